"use strict";
// The page asks the API and shows what it says. Every value goes in as textContent: nothing from the outside is ever HTML.
// Figures stay text from the store to the screen; they are sorted and shown, never computed with.
const words = {
  zh: {
    skip: "跳到进度表", data_until: "数据截至", print: "打印", open_alerts: "未解除的预警",
    alerts_caption: "未解除的预警，按级别排列", severity: "级别", kind: "种类", goal: "目标", indicator: "指标", unit: "单位",
    office: "责任处室", detail: "说明", acked_by: "确认人", no_alerts: "没有未解除的预警。", plan: "目标进度",
    on: "评判日期", section: "类别", status: "状态", clear: "清除筛选",
    plan_caption: "各项目标的实际值、完成率和状态", target: "目标值", due: "截止日", actual: "实际值",
    attainment: "完成率%", expected_by_now: "序时目标", coverage: "已报/应报", no_goals: "没有符合条件的目标。",
    judged_on: "评判日期", all: "全部", none_given: "（未填）", shown: "显示 {1} / {2} 项", totals: "各状态的目标数",
    trouble: "现在读不到数据：{1}", nothing_yet: "尚无数据", list_separator: "；",
    not_due: "未到期", no_data: "无数据", met: "已完成", missed: "未完成", on_pace: "符合进度", at_risk: "有风险",
    lagging: "滞后", warning: "警告", critical: "严重", info: "提示", goal_lagging: "进度滞后", goal_missed: "目标未完成",
    expected: "序时目标", value: "目标值",
  },
  en: {
    skip: "Skip to the table", data_until: "Data until", print: "Print", open_alerts: "Open alerts",
    alerts_caption: "Open alerts by severity", severity: "Severity", kind: "Kind", goal: "Goal", indicator: "Indicator",
    unit: "Unit", office: "Office", detail: "Detail", acked_by: "Acknowledged by", no_alerts: "No open alerts.",
    plan: "Goals and progress", on: "As judged on", section: "Section", status: "Status", clear: "Clear filters",
    plan_caption: "Goals with actual figures, attainment and status", target: "Goal", due: "Due", actual: "Actual",
    attainment: "Attained %", expected_by_now: "Expected by now", coverage: "Reported/expected",
    no_goals: "No goals match.", judged_on: "Judged on", all: "All", none_given: "(none)", shown: "{1} of {2} shown",
    totals: "Goals by status", trouble: "The data cannot be read now: {1}", nothing_yet: "no data yet",
    list_separator: "; ", not_due: "Not due", no_data: "No data", met: "Met", missed: "Missed", on_pace: "On pace",
    at_risk: "At risk", lagging: "Lagging", warning: "Warning", critical: "Critical", info: "Note",
    goal_lagging: "Lagging behind", goal_missed: "Goal missed", expected: "expected by now", value: "goal",
  },
};
const parameters = new URLSearchParams(location.search);
const language = parameters.get("lang") === "en" ? "en" : "zh";
const shades = {
  met: "good", on_pace: "good", at_risk: "care", lagging: "bad", missed: "bad", no_data: "none", not_due: "none",
  warning: "care", critical: "bad", info: "none",
};
const order = ["missed", "lagging", "at_risk", "on_pace", "met", "no_data", "not_due"];
const filters = ["section", "office", "unit", "status"];
let goals = [];

const byId = (id) => document.getElementById(id);
const has = (object, key) => Object.prototype.hasOwnProperty.call(object, key); // Object.hasOwn is too new for some offices
const word = (key) => (has(words[language], key) ? words[language][key] : key);
const fill = (key, ...values) => values.reduce((text, value, i) => text.replace(`{${i + 1}}`, value), word(key));

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined && text !== null) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function state(code) {
  return element("span", word(code), `state ${has(shades, code) ? shades[code] : "none"}`);
}

function cell(row, content, className) {
  const made = element("td", null, className);
  made.append(content instanceof Node ? content : document.createTextNode(content ?? ""));
  row.append(made);
  return made;
}

async function ask(command, options) {
  const query = new URLSearchParams({ lang: language, ...options });
  const response = await fetch(`/api/v1/${command}?${query}`, { headers: { Accept: "application/json" } });
  const body = await response.json();
  if (!response.ok) throw new Error(body.detail || body.title || String(response.status));
  return body;
}

// "numerator=a denominator=b section=社会救助 office=..." of `catalogue`: the last key whose value may hold spaces wins.
function detailOf(row, key) {
  const found = new RegExp(`(?:^| )${key}=(.*?)(?= [a-z_]+=|$)`).exec(row.detail || "");
  return found ? found[1] : "";
}

function describe(detail) {
  return (detail || "").split(" ").filter(Boolean).map((pair) => {
    const at = pair.indexOf("=");
    return at < 0 ? pair : `${word(pair.slice(0, at))} ${pair.slice(at + 1)}`;
  }).join(word("list_separator"));
}

function showWords() {
  document.documentElement.lang = language === "en" ? "en" : "zh-CN";
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = word(node.dataset.text);
  byId("totals").setAttribute("aria-label", word("totals"));
  const other = new URLSearchParams(parameters);
  other.set("lang", language === "en" ? "zh" : "en");
  const link = byId("language");
  link.href = `?${other}`;
  link.textContent = language === "en" ? "中文" : "English";
  link.lang = link.hreflang = language === "en" ? "zh-CN" : "en";
}

function showAlerts(rows, indicators, units) {
  const rank = { critical: 0, warning: 1 };
  const body = byId("alert-table").tBodies[0];
  body.replaceChildren();
  for (const alert of [...rows].sort((one, other) => (rank[one.severity] ?? 2) - (rank[other.severity] ?? 2))) {
    const goal = goals.find((known) => known.goal === alert.subject);
    const row = element("tr");
    cell(row, state(alert.severity));
    cell(row, word(alert.kind), "short");
    const head = element("th", alert.subject);
    head.scope = "row";
    row.append(head);
    cell(row, goal ? goal.name : "");
    cell(row, goal ? goal.unit_name : units.get(alert.unit) || alert.unit);
    cell(row, alert.office);
    cell(row, describe(alert.detail));
    cell(row, alert.acked_by);
    body.append(row);
  }
  byId("alert-count").textContent = `(${rows.length})`;
  byId("alert-table").hidden = rows.length === 0;
  byId("no-alerts").hidden = rows.length > 0;
}

function choices(id, values, labels) {
  const select = byId(id);
  const chosen = select.value || parameters.get(id) || "";
  select.replaceChildren(new Option(word("all"), ""));
  for (const value of values) select.append(new Option(labels ? labels(value) : value || word("none_given"), value || " "));
  select.value = [...select.options].some((option) => option.value === chosen) ? chosen : "";
}

function distinct(key) {
  return [...new Set(goals.map((goal) => goal[key] || ""))];
}

function offices() {
  return [...new Set(goals.flatMap((goal) => splitOffices(goal.office)))];
}

function splitOffices(text) {
  const parts = (text || "").split(/[、,，/;；]/).map((part) => part.trim()).filter(Boolean);
  return parts.length > 0 ? parts : [""];
}

function showChoices() {
  const units = new Map(goals.map((goal) => [goal.unit, goal.unit_name]));
  choices("section", distinct("section"));
  choices("office", offices());
  choices("unit", [...units.keys()], (code) => units.get(code));
  choices("status", order.filter((code) => goals.some((goal) => goal.status === code)), word);
}

function isWanted(goal) {
  const wanted = (id, value) => byId(id).value === "" || byId(id).value === (value || " ");
  const office = byId("office").value;
  return wanted("section", goal.section) && wanted("unit", goal.unit) && wanted("status", goal.status) &&
    (office === "" || splitOffices(goal.office).some((one) => (one || " ") === office));
}

function goalRow(goal) {
  const row = element("tr");
  cell(row, goal.section);
  const head = element("th", goal.name);
  head.scope = "row";
  head.title = `${goal.indicator} · ${goal.goal}`;
  row.append(head);
  cell(row, goal.unit_name);
  cell(row, `${goal.op} ${goal.value}`, "number");
  cell(row, goal.due, "short");
  cell(row, goal.actual ?? "—", "number");
  cell(row, goal.attainment_pct ?? "—", "number");
  cell(row, goal.expected_by_now ?? "—", "number");
  cell(row, state(goal.status));
  cell(row, `${goal.reported}/${goal.expected}`, goal.reported === goal.expected ? "number" : "number partial");
  cell(row, goal.office);
  return row;
}

function showGoals() {
  const wanted = goals.filter(isWanted);
  byId("plan-table").tBodies[0].replaceChildren(...wanted.map(goalRow));
  byId("shown").textContent = fill("shown", wanted.length, goals.length);
  byId("plan-table").hidden = wanted.length === 0;
  byId("no-goals").hidden = wanted.length > 0;
  byId("totals").replaceChildren(...order.filter((code) => wanted.some((goal) => goal.status === code)).map((code) => {
    const item = element("li");
    item.append(state(code), ` ${wanted.filter((goal) => goal.status === code).length}`);
    return item;
  }));
}

// What is chosen stays in the address, so that a view can be sent to a colleague or kept.
function keepAddress() {
  for (const id of [...filters, "on"]) {
    if (byId(id).value === "") parameters.delete(id);
    else parameters.set(id, byId(id).value);
  }
  history.replaceState(null, "", parameters.toString() ? `?${parameters}` : location.pathname);
  showWords();
}

function showTrouble(error) {
  byId("trouble").textContent = error ? fill("trouble", error.message) : "";
  byId("trouble").hidden = !error;
}

async function load() {
  const on = byId("on").value;
  const when = on ? { on } : {};
  try {
    const [catalogue, progress, alerts] = await Promise.all([ask("catalogue", {}), ask("progress", when), ask("alerts", when)]);
    const indicators = new Map(catalogue.rows.filter((row) => row.kind === "indicator").map((row) => [row.code, row]));
    const units = new Map(catalogue.rows.filter((row) => row.kind === "unit").map((row) => [row.code, row.name]));
    const title = catalogue.rows.find((row) => row.kind === "catalogue");
    goals = progress.rows.map((goal) => {
      const indicator = indicators.get(goal.indicator);
      return { ...goal, name: indicator ? indicator.name : goal.indicator, section: indicator ? detailOf(indicator, "section") : "" };
    });
    if (title && title.name) byId("title").textContent = document.title = title.name;
    byId("as-of").textContent = progress.as_of || word("nothing_yet");
    byId("judged-on").textContent = on || new Intl.DateTimeFormat("sv-SE").format(new Date());
    showChoices();
    showGoals();
    showAlerts(alerts.rows, indicators, units);
    showTrouble(null);
  } catch (error) {
    showTrouble(error);
  }
}

showWords();
byId("on").value = parameters.get("on") || "";
byId("print").addEventListener("click", () => window.print());
byId("on").addEventListener("change", () => { keepAddress(); load(); });
for (const id of filters) byId(id).addEventListener("change", () => { keepAddress(); showGoals(); });
byId("filters").addEventListener("submit", (event) => event.preventDefault());
byId("filters").addEventListener("reset", () => setTimeout(() => {
  for (const id of filters) byId(id).value = "";
  byId("on").value = "";
  keepAddress();
  load();
}, 0));
load();
