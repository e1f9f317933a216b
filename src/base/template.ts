/** Marks of a template: Jinja and Go, Jinja's statements, ERB, autoconf, envsubst. */
const marks = {
  braces: String.raw`\{\{[^{}\n]*\}\}|\{%[^%\n]*%\}`,
  tags: String.raw`<%[^%\n]*%>`,
  ats: String.raw`@[A-Z][A-Z0-9_]*@`,
  shell: String.raw`\$\{[A-Za-z_]\w*\}`,
} as const;

const any = new RegExp(Object.values(marks).join('|'));
const withoutShell = new RegExp([marks.braces, marks.tags, marks.ats].join('|'));

/**
 * The first mark of a template in a text, such as `{{ name }}`, which whoever fills it in has left there.
 * @param hasVariables the text has `${NAME}` for a meaning of its own
 */
export const templateMark = (text: string, hasVariables = false): string | undefined =>
  (hasVariables ? withoutShell : any).exec(text)?.[0];

/** What to say of a mark. */
export const templateWords = (mark: string): { readonly message: string; readonly fix: string } => ({
  message: `${mark} looks like a template that was not filled in`,
  fix: 'fill it in first, or write the value in its place',
});
