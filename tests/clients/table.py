"""Writes the table of the section "Clients" in docs/compatibility.md."""

import os

DOCUMENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/compatibility.md")
BEGIN = "<!-- make test-clients writes from here -->"
END = "<!-- to here -->"


def row(result):
    if result.left_out:
        return f"| {result.name} | | left out: {result.left_out} | |"
    return f"| {result.title()} | {', '.join(result.topics)} | {result.direct} | {result.shacast} |"


def write_table(results, server):
    with open(DOCUMENT, encoding="utf-8") as file:
        text = file.read()
    before, _, rest = text.partition(BEGIN)
    _, _, behind = rest.partition(END)
    lines = [BEGIN, "", f"Server: {server}.", "", "| client | what was tried | direct | shacast |",
             "|---|---|---|---|", *map(row, results), "", END]
    with open(DOCUMENT, "w", encoding="utf-8") as file:
        file.write(before + "\n".join(lines) + behind)
