"use strict";
// The page asks the API and shows what it says. Every value goes in as textContent: nothing from the outside is ever HTML.
// Figures stay text from the store to the screen; the only number made of one is the width of a bar.
const words = {
  zh: {
    skip: "跳到进度表", data_until: "数据截至", print: "打印", download: "下载 CSV", open_alerts: "未解除的预警",
    alerts_caption: "未解除的预警，严重的在前", severity: "级别", matter: "事项", indicator: "指标", unit: "单位",
    office: "责任处室", since: "起始", acked_by: "确认人", no_alerts: "没有未解除的预警。", plan: "目标进度",
    on: "评判日期", section: "类别", status: "状态", clear: "清除筛选", all: "全部", none_given: "（未填）", other: "其他",
    plan_caption: "各项目标的实际值、完成率和状态，按类别和指标分组", target: "目标", due: "截止日", actual: "实际",
    attainment: "完成率", expected_by_now: "序时应达", forecast: "预计值", coverage: "已报/应报",
    no_goals: "没有符合条件的目标。", judged_on: "评判日期", today: "{1}（今天）", shown: "显示 {1} / {2} 项",
    totals: "各状态的目标数", count: "{1} 条", count_of: "{1} / {2} 条", goals: "{1} 项：{2}", more: "显示全部 {1} 条",
    fewer: "只显示前 {1} 条", trouble: "现在读不到数据：{1}", no_connection: "连不上服务", again: "重试", loading: "正在读取……",
    nothing_yet: "尚无数据", nothing_yet_help: "还没有收到任何报表，所以目标都没有实际值。各单位报送后这里会显示进度。",
    legend: "带 * 的“已报/应报”表示还有报表未到，实际值可能不全。“序时应达”是按时间进度到评判日期应达到的数。",
    missing_reports: "还有报表未到", comma: "，", list: "、", colon: "：", measure: "（{1}）",
    table: "分解表", text: "正文", not_due: "未到期", no_data: "无数据", met: "达标", missed: "未完成", on_pace: "进度正常",
    ledger_contradicted: "台账不符", ledger_restored: "台账已恢复",
    at_risk: "有风险", lagging: "滞后", warning: "警告", critical: "严重", info: "提示",
    said_actual: "实际 {1}", said_expected: "序时应达 {1}", said_goal: "目标 {1}", said_at_most: "目标不超过 {1}",
    said_exactly: "目标恰为 {1}", said_attained: "完成 {1}", said_note: "确认时注明：{1}",
  },
  en: {
    skip: "Skip to the table", data_until: "Data until", print: "Print", download: "Download CSV",
    open_alerts: "Open alerts", alerts_caption: "Open alerts, the most severe first", severity: "Severity",
    matter: "Matter", indicator: "Indicator", unit: "Unit", office: "Office", since: "Since", acked_by: "Acknowledged by",
    no_alerts: "No open alerts.", plan: "Goals and progress", on: "As judged on", section: "Section", status: "Status",
    clear: "Clear filters", all: "All", none_given: "(none)", other: "Other",
    plan_caption: "Goals with actual figures, attainment and status, by section and indicator", target: "Goal", due: "Due",
    actual: "Actual", attainment: "Attained", expected_by_now: "Expected by now", forecast: "Forecast",
    coverage: "Reported", no_goals: "No goals match.", judged_on: "Judged on", today: "{1} (today)",
    shown: "{1} of {2} shown", totals: "Goals by status", count: "{1}", count_of: "{1} of {2}", goals: "{1} goals: {2}",
    more: "Show all {1}", fewer: "Show only the first {1}", trouble: "The data cannot be read now: {1}",
    no_connection: "the service cannot be reached", again: "Try again", loading: "Loading ...", nothing_yet: "no data yet",
    nothing_yet_help: "No report has arrived yet, so goals have no actual figures. Progress appears here once units report.",
    legend: "* beside reported/expected: some reports have not arrived, so the actual may be incomplete. \"Expected by now\" " +
      "is what the pace of the goal expects on the day of judgement.",
    missing_reports: "some reports are missing", comma: ", ", list: ", ", colon: ": ", measure: " ({1})",
    table: "table", text: "text", not_due: "Not due", no_data: "No data", met: "Met", missed: "Missed", on_pace: "On pace",
    ledger_contradicted: "Ledger contradicted", ledger_restored: "Ledger restored",
    at_risk: "At risk", lagging: "Lagging", warning: "Warning", critical: "Critical", info: "Note",
    said_actual: "actual {1}", said_expected: "expected by now {1}", said_goal: "goal {1}",
    said_at_most: "goal at most {1}", said_exactly: "goal exactly {1}", said_attained: "{1} attained", said_note: "acknowledged with: {1}",
  },
};
const parameters = new URLSearchParams(location.search);
const language = parameters.get("lang") === "en" ? "en" : "zh";
const states = { // shade and sign: the sign tells them apart without colour
  met: ["good", "✓"], on_pace: ["good", "●"], at_risk: ["care", "▲"], lagging: ["bad", "▼"], missed: ["bad", "✕"],
  no_data: ["none", "?"], not_due: ["none", "○"],
  goal_lagging: ["bad", "▼"], goal_missed: ["bad", "✕"], warning: ["care", "!"], critical: ["bad", "!!"], info: ["none", "i"],
};
const alertKinds = { goal_lagging: "lagging", goal_missed: "missed" };
const order = ["missed", "lagging", "at_risk", "on_pace", "met", "no_data", "not_due"];
const filters = ["section", "office", "unit", "status"];
const ALERTS_AT_FIRST = 5;
let goals = [], alerts = [], asked = 0;

const byId = (id) => document.getElementById(id);
const has = (object, key) => Object.prototype.hasOwnProperty.call(object, key); // Object.hasOwn is too new for some offices
const word = (key) => (has(words[language], key) ? words[language][key] : key);
const fill = (key, ...values) => values.reduce((text, value, i) => text.split(`{${i + 1}}`).join(value), word(key));
const minute = (time) => (time ? time.slice(0, 16).replace("T", " ") : "");

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined && text !== null) made.textContent = text;
  if (className) made.className = className;
  return made;
}

// 1180000 -> 1,180,000: by text, so that no figure passes through a number.
function grouped(figure) {
  const parts = /^([-+]?)(\d{4,})(\..*)?$/.exec(figure || "");
  return parts ? parts[1] + parts[2].replace(/\B(?=(\d{3})+$)/g, ",") + (parts[3] || "") : figure;
}

function withMeasure(figure, measure) {
  return grouped(figure) + (!measure || measure === "0/1" ? "" : measure === "%" ? "%" : ` ${measure}`);
}

const shadeOf = (code) => (has(states, code) ? states[code][0] : "none");

function signed(code, text) {
  const sign = element("span", has(states, code) ? states[code][1] : "", "sign");
  sign.setAttribute("aria-hidden", "true");
  return [sign, text];
}

function state(code, text) {
  const made = element("span", null, `state ${shadeOf(code)}`);
  made.append(...signed(code, text || word(code)));
  return made;
}

function cell(row, content, className) {
  const made = element("td", null, className);
  made.append(content instanceof Node ? content : document.createTextNode(content === null || content === undefined ? "" : content));
  row.append(made);
  return made;
}

function heading(text, scope, span) {
  const made = element("th", text);
  made.scope = scope;
  if (span > 1) made[scope === "rowgroup" ? "rowSpan" : "colSpan"] = span;
  return made;
}

async function ask(command, options) {
  const query = new URLSearchParams({ lang: language, ...options });
  let response;
  try {
    response = await fetch(`/api/v1/${command}?${query}`, { headers: { Accept: "application/json" } });
  } catch (error) {
    throw new Error(word("no_connection"));
  }
  const body = await response.json();
  if (!response.ok) throw new Error(body.detail || body.title || String(response.status));
  return body;
}

function showWords() {
  document.documentElement.lang = language === "en" ? "en" : "zh-CN";
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = word(node.dataset.text);
  const other = new URLSearchParams(parameters);
  other.set("lang", language === "en" ? "zh" : "en");
  const link = byId("language");
  link.href = `?${other}`;
  link.textContent = language === "en" ? "中文" : "English";
  link.lang = link.hreflang = language === "en" ? "zh-CN" : "en";
  const on = parameters.get("on");
  byId("download").href = `/api/v1/progress?${new URLSearchParams({ format: "csv", lang: language, ...(on ? { on } : {}) })}`;
}

// ---- filters -----------------------------------------------------------------------------------------------------------

const NOT_GIVEN = " "; // a choice of its own: goals without an office or a section

function splitOffices(text) {
  const parts = (text || "").split(/[、,，/;；]/).map((part) => part.trim()).filter(Boolean);
  return parts.length > 0 ? parts : [NOT_GIVEN];
}

function choices(id, values, label) {
  const select = byId(id);
  const chosen = parameters.get(id) || "";
  select.replaceChildren(new Option(word("all"), ""));
  for (const value of values) select.append(new Option(value === NOT_GIVEN ? word("none_given") : label(value), value));
  select.value = [...select.options].some((option) => option.value === chosen) ? chosen : "";
}

function showChoices() {
  const units = new Map(goals.map((goal) => [goal.unit, goal.unit_name]));
  const same = (value) => value;
  choices("section", new Set(goals.map((goal) => goal.section || NOT_GIVEN)), same);
  choices("office", new Set(goals.flatMap((goal) => splitOffices(goal.office))), same);
  choices("unit", units.keys(), (code) => units.get(code));
  choices("status", order, word);
}

// Whether the goal is looked at; its status is a question of its own, as the totals count over it.
function isInView(goal) {
  const section = byId("section").value, office = byId("office").value, unit = byId("unit").value;
  return (section === "" || section === (goal.section || NOT_GIVEN)) && (unit === "" || unit === goal.unit) &&
    (office === "" || splitOffices(goal.office).includes(office));
}

// What is chosen stays in the address, so that a view can be reloaded, kept or sent to a colleague.
function keepAddress(ids) {
  for (const id of ids) {
    if (byId(id).value === "") parameters.delete(id);
    else parameters.set(id, byId(id).value);
  }
  history.replaceState(null, "", parameters.toString() ? `?${parameters}` : location.pathname);
  showWords();
}

function chooseStatus(code) {
  byId("status").value = byId("status").value === code ? "" : code;
  keepAddress(["status"]);
  show();
}

// ---- totals ------------------------------------------------------------------------------------------------------------

function countByStatus(some) {
  const counts = new Map(order.map((code) => [code, 0]));
  for (const goal of some) counts.set(goal.status, (counts.get(goal.status) || 0) + 1);
  return [...counts].filter((entry) => entry[1] > 0);
}

function showTotals(inView) {
  const held = document.activeElement ? document.activeElement.dataset.status : undefined;
  byId("totals").replaceChildren(...countByStatus(inView).map(([code, count]) => {
    const item = element("li"), button = element("button", null, shadeOf(code));
    button.type = "button";
    button.dataset.status = code;
    button.setAttribute("aria-pressed", String(byId("status").value === code));
    const label = element("span");
    label.append(...signed(code, word(code)));
    button.append(label, element("strong", count));
    button.addEventListener("click", () => chooseStatus(code));
    item.append(button);
    return item;
  }));
  if (held) {
    const again = [...byId("totals").querySelectorAll("button")].find((button) => button.dataset.status === held);
    if (again) again.focus();
  }
}

// ---- alerts ------------------------------------------------------------------------------------------------------------

// detail is "actual=5922 expected=8666.7 value=13000 attainment=45.6% note=what was said when it was acknowledged".
function sentence(alert, goal) {
  const found = {}, detail = alert.detail || "", noteAt = detail.indexOf(" note=");
  const note = noteAt < 0 ? "" : detail.slice(noteAt + " note=".length);
  for (const pair of (noteAt < 0 ? detail : detail.slice(0, noteAt)).split(" ")) {
    const at = pair.indexOf("=");
    if (at > 0) found[pair.slice(0, at)] = pair.slice(at + 1);
  }
  const said = (key, figure) => fill(key, withMeasure(figure, goal.measure));
  const parts = [];
  if (has(found, "actual")) parts.push(said("said_actual", found.actual));
  if (has(found, "expected") && alert.kind !== "goal_missed")
    parts.push(said("said_expected", found.expected.replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "")));
  if (has(found, "value"))
    parts.push(said({ "<=": "said_at_most", "=": "said_exactly" }[goal.op] || "said_goal", found.value));
  if (has(found, "attainment")) parts.push(fill("said_attained", found.attainment));
  if (note !== "") parts.push(fill("said_note", note));
  return parts.join(word("comma"));
}

function alertRow(alert) {
  const row = element("tr"), goal = alert.goal;
  row.dataset.alert = alert.alert;
  cell(row, state(alert.severity), "short");
  cell(row, goal ? goal.unit_name : alert.unit, "short");
  const matter = cell(row, has(alertKinds, alert.kind) ? state(alert.kind, word(alertKinds[alert.kind])) : word(alert.kind));
  if (goal) {
    const link = element("a", goal.name);
    link.href = `#${goal.id}`;
    link.addEventListener("click", () => { if (!byId(goal.id)) chooseStatus(""); }); // its row is filtered out
    matter.append(" ", link, word("colon"), sentence(alert, goal));
  } else {
    matter.append(" ", alert.subject, word("colon"), alert.detail || "");
  }
  cell(row, alert.office);
  cell(row, minute(alert.since).slice(0, 10), "short");
  cell(row, alert.acked_by);
  const heads = byId("alert-table").tHead.rows[0].cells; // on a narrow screen each alert is a card that names its lines
  [...row.cells].forEach((each, i) => { each.dataset.label = heads[i].textContent; });
  return row;
}

function showAlerts() {
  const wanted = alerts.filter((alert) => (alert.goal ? isInView(alert.goal) : filters.every((id) => byId(id).value === "")));
  const table = byId("alert-table"), more = byId("more-alerts");
  const rows = wanted.map(alertRow);
  rows.slice(ALERTS_AT_FIRST).forEach((row) => row.classList.add("later"));
  table.tBodies[0].replaceChildren(...rows);
  table.classList.toggle("short", more.getAttribute("aria-expanded") !== "true");
  more.hidden = rows.length <= ALERTS_AT_FIRST;
  more.textContent = more.getAttribute("aria-expanded") === "true" ? fill("fewer", ALERTS_AT_FIRST) : fill("more", rows.length);
  byId("alert-count").textContent = wanted.length === alerts.length ? fill("count", alerts.length)
    : fill("count_of", wanted.length, alerts.length);
  table.hidden = rows.length === 0;
  byId("no-alerts").hidden = rows.length > 0;
}

// ---- goals -------------------------------------------------------------------------------------------------------------

// Only a picture of attainment_pct; the figure beside it is the text that was answered.
function bar(attainment) {
  const made = element("span", null, "bar"), part = element("span");
  made.setAttribute("aria-hidden", "true");
  part.style.width = `${Math.min(100, Math.max(0, parseFloat(attainment)))}%`;
  made.append(part);
  return made;
}

function goalRow(goal) {
  const row = element("tr", null, `row ${shadeOf(goal.status)}`);
  const sign = { ">=": "≥", "<=": "≤" }[goal.op] || goal.op;
  const figure = (text) => cell(row, text ? grouped(text) : "—", "number");
  row.id = goal.id;
  row.dataset.goal = goal.goal;
  row.dataset.status = goal.status;
  const place = heading(goal.unit_name, "row");
  place.className = "place";
  if (goal.has_rival && goal.claim) place.append(element("span", fill("measure", word(goal.claim)), "quiet"));
  row.append(place);
  cell(row, `${sign} ${grouped(goal.value)}`, "number");
  figure(goal.actual);
  const attained = figure(goal.attainment_pct ? `${goal.attainment_pct}%` : null);
  if (goal.attainment_pct && goal.op !== "<=") attained.append(bar(goal.attainment_pct));
  figure(goal.expected_by_now);
  cell(row, state(goal.status));
  figure(goal.forecast);
  const whole = goal.reported === goal.expected;
  const coverage = cell(row, `${whole ? "" : "* "}${goal.reported}/${goal.expected}`, whole ? "number" : "number partial");
  if (!whole) coverage.title = word("missing_reports");
  cell(row, goal.due, "short");
  return row;
}

// The goals of one indicator: its name and office stand once beside them.
function indicatorBody(some) {
  const body = element("tbody"), goal = some[0];
  const head = heading(goal.name, "rowgroup", some.length);
  if (goal.measure && goal.measure !== "0/1") head.append(element("span", fill("measure", goal.measure), "quiet"));
  head.className = "indicator";
  head.title = goal.indicator;
  const rows = some.map(goalRow);
  rows[0].prepend(head);
  cell(rows[0], goal.office).rowSpan = some.length;
  body.append(...rows);
  return body;
}

function sectionBody(name, some) {
  const body = element("tbody", null, "section"), row = element("tr");
  const head = heading(name || word("other"), "colgroup", 11);
  const counts = countByStatus(some).map(([code, count]) => `${word(code)} ${count}`).join(word("list"));
  head.append(element("span", fill("goals", some.length, counts), "count"));
  row.append(head);
  body.append(row);
  return body;
}

function groupBy(some, key) {
  const groups = new Map();
  for (const one of some) {
    if (!groups.has(one[key])) groups.set(one[key], []);
    groups.get(one[key]).push(one);
  }
  return groups;
}

function showGoals(inView) {
  const status = byId("status").value;
  const wanted = inView.filter((goal) => status === "" || goal.status === status);
  const table = byId("plan-table"), bodies = [];
  for (const [section, some] of groupBy(wanted, "section")) {
    bodies.push(sectionBody(section, some));
    for (const group of groupBy(some, "indicator").values()) bodies.push(indicatorBody(group));
  }
  for (const body of [...table.tBodies]) body.remove();
  table.append(...bodies);
  byId("shown").textContent = fill("shown", wanted.length, goals.length);
  table.hidden = wanted.length === 0;
  byId("no-goals").hidden = wanted.length > 0;
}

function show() {
  const inView = goals.filter(isInView);
  showTotals(inView);
  showAlerts();
  showGoals(inView);
}

// ---- loading -----------------------------------------------------------------------------------------------------------

function showTrouble(error) {
  byId("trouble-text").textContent = error ? fill("trouble", error.message) : "";
  byId("trouble").hidden = !error;
}

function joinGoals(progress, catalogue) {
  const indicators = new Map(catalogue.rows.filter((row) => row.kind === "indicator").map((row) => [row.code, row]));
  const claims = new Map(catalogue.rows.filter((row) => row.kind === "goal").map((row) => [row.code, row.claim]));
  const same = groupBy(progress.rows.map((goal) => ({ key: `${goal.indicator} ${goal.unit}` })), "key");
  return progress.rows.map((goal, number) => {
    const indicator = indicators.get(goal.indicator) || {};
    return {
      ...goal, id: `goal-${number + 1}`, name: indicator.name || goal.indicator, section: indicator.section || "",
      measure: indicator.measure || "", claim: claims.get(goal.goal) || "",
      has_rival: same.get(`${goal.indicator} ${goal.unit}`).length > 1,
    };
  });
}

function joinAlerts(rows) {
  const rank = { critical: 0, warning: 1 };
  const known = new Map(goals.map((goal) => [goal.goal, goal]));
  const rankOf = (alert) => (has(rank, alert.severity) ? rank[alert.severity] : 2);
  return rows.map((alert) => ({ ...alert, goal: known.get(alert.subject) })).sort((one, other) => rankOf(one) - rankOf(other));
}

// The day it is now in the catalogue's timezone, which is the aggregator's today.
function todayIn(detail) {
  const zone = /(?:^| )timezone=(\S+)/.exec(detail || "");
  try {
    return new Intl.DateTimeFormat("sv-SE", zone ? { timeZone: zone[1] } : {}).format(new Date());
  } catch (error) {
    return new Intl.DateTimeFormat("sv-SE").format(new Date());
  }
}

async function load() {
  const on = parameters.get("on"), number = ++asked; // a day that is none is asked for as well, and refused by name
  const when = on ? { on } : {};
  byId("main").setAttribute("aria-busy", "true");
  byId("shown").textContent = word("loading");
  try {
    const [catalogue, progress, open] = await Promise.all([
      ask("catalogue", { kind: "catalogue,indicator,goal" }), ask("progress", when), ask("alerts", when)]);
    if (number !== asked) return; // another day was asked for meanwhile
    const title = catalogue.rows.find((row) => row.kind === "catalogue") || {};
    goals = joinGoals(progress, catalogue);
    alerts = joinAlerts(open.rows);
    if (title.name) byId("title").textContent = document.title = title.name;
    byId("as-of").textContent = minute(progress.as_of) || word("nothing_yet");
    byId("judged-on").textContent = on || fill("today", todayIn(title.detail));
    byId("nothing-yet").hidden = Boolean(progress.as_of);
    showChoices();
    show();
    showTrouble(null);
  } catch (error) {
    if (number !== asked) return;
    byId("shown").textContent = "";
    showTrouble(error);
  }
  byId("main").setAttribute("aria-busy", "false");
}

showWords();
byId("on").value = parameters.get("on") || "";
byId("print").addEventListener("click", () => window.print());
byId("again").addEventListener("click", load);
byId("on").addEventListener("change", () => { keepAddress(["on"]); load(); });
for (const id of filters) byId(id).addEventListener("change", () => { keepAddress([id]); show(); });
byId("more-alerts").addEventListener("click", () => {
  const more = byId("more-alerts");
  more.setAttribute("aria-expanded", String(more.getAttribute("aria-expanded") !== "true"));
  showAlerts();
});
byId("filters").addEventListener("submit", (event) => event.preventDefault());
byId("filters").addEventListener("reset", () => setTimeout(() => {
  for (const id of [...filters, "on"]) byId(id).value = "";
  keepAddress([...filters, "on"]);
  load();
}, 0));
load();
