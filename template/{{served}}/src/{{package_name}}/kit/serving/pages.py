# Owned by the template: every update rewrites this file. The page at `/` is yours: serving.py.
"""The page at `/docs`: what openapi.json says, to read and try, without foreign scripts."""

DOCS = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Interface</title>
<link rel="icon" href="data:,">
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { max-width: 60rem; margin: 0 auto; padding: 1rem; }
  details { border: 1px solid #8886; border-radius: .4rem; margin: .5rem 0; padding: .5rem 1rem; }
  summary { cursor: pointer; font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
  pre, textarea, input { font: 14px/1.4 ui-monospace, monospace; width: 100%; }
  * { box-sizing: border-box; }
  pre { overflow: auto; max-height: 24rem; padding: .5rem; background: #8882; }
  textarea { min-height: 8rem; }
  button { font: inherit; padding: .3rem 1rem; }
  label { display: block; margin: .5rem 0; }
</style>
<h1>Interface</h1>
<p id="about">Loading <a href="openapi.json">openapi.json</a>, which programs read.</p>
<label>Key, if this server asks for one <input id="key" type="password" autocomplete="off"></label>
<main></main>
<script>
"use strict";
const element = (name, text, ...children) => {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  made.append(...children);
  return made;
};
let spec;
const resolved = (schema, depth = 0) => {
  if (Array.isArray(schema)) return schema.map(each => resolved(each, depth));
  if (schema === null || typeof schema !== "object" || depth > 12) return schema;
  if (schema.$ref) {
    const found = schema.$ref.slice(2).split("/").reduce((at, key) => at && at[key], spec);
    return resolved(found || {}, depth + 1);
  }
  return Object.fromEntries(Object.entries(schema).map(([k, v]) => [k, resolved(v, depth + 1)]));
};
const example = schema => {
  if (schema.examples) return schema.examples[0];
  if (schema.default !== undefined) return schema.default;
  if (schema.anyOf) return example(schema.anyOf[0]);
  if (schema.type === "object") {
    const wanted = Object.entries(schema.properties || {});
    return Object.fromEntries(wanted.map(([name, each]) => [name, example(each)]));
  }
  if (schema.type === "array") {
    return Array.from({length: schema.minItems || 1}, () => example(schema.items || {}));
  }
  return {string: "text", number: 0, integer: 0, boolean: false}[schema.type] ?? null;
};
const trial = (method, path, operation, schema) => {
  const box = element("form");
  const address = element("input");
  address.value = path;
  address.ariaLabel = "Address";
  const body = schema && element("textarea", JSON.stringify(example(schema)));
  if (body) body.ariaLabel = "Body";
  const answer = element("pre");
  answer.hidden = true;
  answer.setAttribute("role", "status");
  box.append(address, ...(body ? [body] : []), element("button", "Send"), answer);
  box.addEventListener("submit", async event => {
    event.preventDefault();
    const headers = body ? {"Content-Type": "application/json"} : {};
    const key = document.getElementById("key").value;
    if (key) headers.Authorization = `Bearer ${key}`;
    answer.hidden = false;
    try {
      const got = await fetch(address.value, {method, headers, body: body && body.value});
      answer.textContent = `${got.status} ${got.statusText}\\n${await got.text()}`;
    } catch (error) {
      answer.textContent = `No answer: ${error.message}`;
    }
  });
  return box;
};
const shown = (method, path, operation) => {
  const details = element("details");
  details.append(element("summary", `${method} ${path}`));
  details.append(element("p", operation.description || operation.summary || ""));
  const content = operation.requestBody && operation.requestBody.content["application/json"];
  const schema = content && resolved(content.schema);
  if (schema) {
    details.append(element("h3", "Takes"), element("pre", JSON.stringify(schema, null, 1)));
  }
  for (const [status, response] of Object.entries(operation.responses || {})) {
    const json = (response.content || {})["application/json"];
    details.append(element("h3", `${status} ${response.description || ""}`));
    if (json) details.append(element("pre", JSON.stringify(resolved(json.schema), null, 1)));
  }
  details.append(element("h3", "Try it"), trial(method, path, operation, schema));
  return details;
};
(async () => {
  const about = document.getElementById("about");
  try {
    spec = await (await fetch("openapi.json")).json();
  } catch (error) {
    about.textContent = `openapi.json cannot be read: ${error.message}`;
    return;
  }
  document.title = spec.info.title;
  document.querySelector("h1").textContent = spec.info.title;
  const main = document.querySelector("main");
  for (const [path, operations] of Object.entries(spec.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      main.append(shown(method.toUpperCase(), path, operation));
    }
  }
  about.firstChild.textContent = "Read from ";
})();
</script>
</html>
"""
