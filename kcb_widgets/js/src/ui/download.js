// @ts-check
// Hands a file that was made here to the user.

/** @param {string} name @param {Blob} blob */
export function download(name, blob) {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Copies text; whether that could be done. Pages without TLS have no clipboard, but a selection that can be copied.
 * @param {string} text @returns {Promise<boolean>} */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const focused = /** @type {HTMLElement | null} */ (document.activeElement);
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    focused?.focus();
    return copied;
  }
}

/** A table as CSV, as RFC 4180 has it. What a spreadsheet would take for a formula is made plain text.
 * @param {(string | number | null | undefined)[][]} rows */
export const csv = (rows) =>
  rows.map((row) => row.map((cell) => {
    if (typeof cell === "number") return Number.isNaN(cell) ? "nan" : String(cell);
    const text = String(cell ?? "");
    const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
  }).join(",")).join("\r\n") + "\r\n";

/** Letters, digits and dashes of a title. @param {string} title */
export const fileName = (title) => title.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "") || "run";
