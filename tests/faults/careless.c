/* careless.c - the control of process/132: takes what malloc gives for granted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
    char *volatile text = malloc(16);
    strcpy(text, "thank you");
    puts(text);
    free(text);
    return 0;
}
