import { readFileSync } from 'node:fs';

/** A block of commands and what the page says that it prints. */
export interface Step {
  readonly commands: string;
  readonly expected: string | undefined;
  /** In a terminal of its own, until the end of the tour. */
  readonly background: boolean;
}

const FENCE = /^```(\w+)( background)?\n(.*?)^```$/gms;

/** A page, or one section of it, as steps; a block that is no commands is what the commands before it print. */
export function readSteps(path: string | URL, section?: string): Step[] {
  const page = readFileSync(path, 'utf8');
  const text = section === undefined ? page : page.split(/^## /m).find((part) => part.startsWith(`${section}\n`));
  if (text === undefined) throw new Error(`the page has no section "${section}"`);
  const steps: Step[] = [];
  for (const [, language, background, content = ''] of text.matchAll(FENCE)) {
    if (language === 'sh') steps.push({ commands: content, expected: undefined, background: background !== undefined });
    else {
      const step = steps.pop();
      if (step === undefined || step.expected !== undefined) throw new Error(`nothing prints this:\n${content}`);
      steps.push({ ...step, expected: content });
    }
  }
  return steps;
}

/** A pattern for the text: a line of `…` alone stands for any lines, elsewhere for anything within a line. */
export function patternOf(expected: string): RegExp {
  const lines = expected.replace(/\n$/, '').split('\n');
  const escaped = lines.map((line) =>
    line === '…'
      ? '[^]*'
      : line
          .split('…')
          .map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
          .join('.*'),
  );
  return new RegExp(`^${escaped.join('\n')}\\n*$`);
}
