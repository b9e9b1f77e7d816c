import type { Page, PageField } from './pages.ts';

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

const escaped = (text: string): string => text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? '');

const fieldHtml = ({ name, label, hint, autocomplete }: PageField): string => `
<label for="${name}">${escaped(label)}</label>
<input id="${name}" name="${name}" type="password" autocomplete="${autocomplete}" maxlength="4096" required aria-describedby="hint">
<p id="hint">${escaped(hint)}</p>
<p><label class="inline"><input id="show" type="checkbox"> Show it</label></p>`;

const sentHtml = ([name, value]: [string, string]): string =>
  `\n<input type="hidden" name="${name}" value="${escaped(value)}">`;

/** A page for people who followed a mailed link. Its script reads the token, which never reaches the server in a URL. */
export const pageHtml = (
  { title, intro, action, field, sent = {}, button, done }: Page,
  service: string,
): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escaped(title)} – ${escaped(service)}</title>
<link rel="stylesheet" href="pages/page.css">
<script src="pages/page.js" type="module"></script>
</head>
<body>
<main>
<p class="service">${escaped(service)}</p>
<h1>${escaped(title)}</h1>
<noscript><p>This page needs JavaScript.</p></noscript>
<p id="outcome" role="status" tabindex="-1"></p>
<form hidden method="post" data-action="${escaped(action)}" data-done="${escaped(done)}">
<p>${escaped(intro)}</p>${field ? fieldHtml(field) : ''}${Object.entries(sent).map(sentHtml).join('')}
<button>${escaped(button)}</button>
</form>
</main>
</body>
</html>
`;
