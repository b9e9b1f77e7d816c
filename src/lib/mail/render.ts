/** A mail as it is read: a text part that says everything, and the same as HTML. */
import type { Composition, Piece } from './compose.ts';

export interface RenderedMail {
  readonly language: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

export const render = (composition: Composition): RenderedMail => ({
  language: composition.language,
  subject: composition.subject,
  text: textOf(composition),
  html: htmlOf(composition),
});

const textOf = ({ subject, pieces }: Composition): string => `${[subject, ...pieces.map(textPiece)].join('\n\n')}\n`;

function textPiece(piece: Piece): string {
  switch (piece.kind) {
    case 'link':
      // On a line of its own: a full stop behind it would become part of it.
      return `${piece.label}:\n${piece.url}`;
    case 'facts':
      return piece.facts.map(([heading, value]) => `${heading}: ${value}`).join('\n');
    default:
      return piece.text;
  }
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');

/**
 * No image, no script, nothing loaded from elsewhere. Colours are the reader's own, light or dark: what sets none
 * cannot set one that is hard to read.
 */
const htmlOf = ({ language, subject, pieces }: Composition): string => `<!DOCTYPE html>
<html lang="${escapeHtml(language)}" dir="ltr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(subject)}</title>
</head>
<body style="max-width: 40em; margin: 0 auto; padding: 1em; font-family: system-ui, sans-serif; line-height: 1.5">
<h1 style="font-size: 1.4em; line-height: 1.3">${escapeHtml(subject)}</h1>
${pieces.map(htmlPiece).join('\n')}
</body>
</html>
`;

function htmlPiece(piece: Piece): string {
  switch (piece.kind) {
    case 'link': {
      const url = escapeHtml(piece.url);
      return `<p><a href="${url}"><strong>${escapeHtml(piece.label)}</strong></a></p>
<p>${escapeHtml(piece.spelledOut)}<br><span style="overflow-wrap: anywhere">${url}</span></p>`;
    }
    case 'code':
      return `<p style="font-size: 1.6em; letter-spacing: 0.15em"><strong>${escapeHtml(piece.text)}</strong></p>`;
    case 'facts':
      return `<ul>\n${piece.facts
        .map(([heading, value]) => `<li>${escapeHtml(heading)}: ${escapeHtml(value)}</li>`)
        .join('\n')}\n</ul>`;
    default:
      return `<p>${escapeHtml(piece.text)}</p>`;
  }
}
