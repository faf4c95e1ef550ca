/* goal_claims.c - claims that differ: statements from different places of a plan that give one unit different goals. */
#include "goal_inside.h"

#include "expression.h"
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>

static int by_scope_claim_due(const void *one, const void *other)
{
    const struct goal *a = *(const struct goal *const *)one, *b = *(const struct goal *const *)other;
    int order;
    if (scope_of(a) != scope_of(b))
        return scope_of(a) < scope_of(b) ? -1 : 1;
    order = strcmp(a->claim, b->claim);
    if (order == 0)
        order = order_of(a->due, b->due);
    return order != 0 ? order : order_of(a->row, b->row);
}

static bool says_the_same(const struct goal *one, const struct goal *other)
{
    return one->op == other->op && exact(one->value) == exact(other->value);
}

static void statement_text(const struct goal *goal, char ret_text[EXACT_TEXT + 8])
{
    char value[EXACT_TEXT];
    exact_text(exact(goal->value), goal->value.scale, value);
    (void)snprintf(ret_text, EXACT_TEXT + 8, "%s %s", compare_text(goal->op), value);
}

static void report_claims(struct loader *loader, const struct goal *one, const struct goal *other)
{
    const struct goal *first = one->row <= other->row ? one : other, *second = first == one ? other : one;
    char first_text[EXACT_TEXT + 8], second_text[EXACT_TEXT + 8];
    statement_text(first, first_text);
    statement_text(second, second_text);
    report_goal(loader, FINDING_WARNING, first, MESSAGE_CLAIMS_DIFFER, first->claim[0] == '\0' ? "-" : first->claim,
                first_text, second->claim[0] == '\0' ? "-" : second->claim, second_text);
}

/* Goals of one scope and claim, by due. */
struct claim {
    const struct goal **goals;
    size_t count;
};

static const struct goal *unmatched(const struct claim *claim, const struct claim *other, int32_t due)
{
    for (size_t i = 0; i < claim->count; i++) {
        bool matched = false;
        if (claim->goals[i]->due != due)
            continue;
        for (size_t j = 0; j < other->count && !matched; j++)
            matched = other->goals[j]->due == due && says_the_same(claim->goals[i], other->goals[j]);
        if (!matched)
            return claim->goals[i];
    }
    return NULL;
}

static const struct goal *first_due(const struct claim *claim, int32_t due)
{
    for (size_t i = 0; i < claim->count; i++)
        if (claim->goals[i]->due == due)
            return claim->goals[i];
    return NULL;
}

/* Both speak of `due`: whether they say the same, or else what each says. */
static bool differ_at(struct loader *loader, const struct claim *one, const struct claim *other, int32_t due)
{
    const struct goal *left = unmatched(one, other, due), *right = unmatched(other, one, due);
    if (left == NULL && right == NULL)
        return false;
    report_claims(loader, left != NULL ? left : first_due(one, due), right != NULL ? right : first_due(other, due));
    return true;
}

/* Goals due on the same day are compared; claims that share no day by their last ones. One warning a pair. */
static void compare_claims(struct loader *loader, const struct claim *one, const struct claim *other)
{
    const struct goal *last = one->goals[one->count - 1], *others = other->goals[other->count - 1];
    bool shared = false;
    for (size_t i = 0; i < one->count; i++) {
        const int32_t due = one->goals[i]->due;
        if (first_due(other, due) == NULL)
            continue;
        shared = true;
        if (differ_at(loader, one, other, due))
            return;
    }
    if (!shared && !says_the_same(last, others))
        report_claims(loader, last, others);
}

static void check_scope_claims(struct loader *loader, const struct goal **goals, size_t count)
{
    for (size_t i = 0, next; i < count; i = next) {
        struct claim one = {goals + i, 0};
        while (i + one.count < count && same_claim(goals[i], goals[i + one.count]))
            one.count++;
        next = i + one.count;
        for (size_t j = next; j < count;) {
            struct claim other = {goals + j, 0};
            while (j + other.count < count && same_claim(goals[j], goals[j + other.count]))
                other.count++;
            j += other.count;
            compare_claims(loader, &one, &other);
        }
    }
}

void check_claims(struct loader *loader, const struct goal *const *goals, size_t count)
{
    const struct goal **sorted = memory_array(count, sizeof(*sorted));
    memcpy(sorted, goals, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), by_scope_claim_due);
    for (size_t i = 0, next; i < count; i = next) {
        next = i + 1;
        while (next < count && scope_of(sorted[next]) == scope_of(sorted[i]))
            next++;
        check_scope_claims(loader, sorted + i, next - i);
    }
    free(sorted);
}
