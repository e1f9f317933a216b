/** A fenced block of a page: its language, the name of a file where it is one, the heading above. */
export interface Block {
  readonly language: string;
  readonly file: string | undefined;
  readonly text: string;
  readonly heading: string;
}

export const blocksOf = (page: string): readonly Block[] =>
  [...page.matchAll(/^```(\w*)(?: (\S+))?\n([^]*?)^```$/gm)].map((match) => {
    const [, language = '', file, text = ''] = match;
    const heading = /[^]*^#+ (.*)$/m.exec(page.slice(0, match.index))?.[1] ?? '';
    return { language, file, text, heading };
  });
