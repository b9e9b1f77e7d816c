import type { FastifyReply, FastifyRequest } from 'fastify';
import { type TSchema, Type } from 'typebox';
import { AppError, ERROR_CODES, ERRORS, type ErrorCode } from '../errors.ts';
import { closed, problems as problemResponses, ref } from '../schemas/common.ts';
import { ProblemType } from '../schemas/problem.ts';
import type { App } from '../types/fastify.ts';

const describe = (code: ErrorCode) => {
  const [status, title, help] = ERRORS[code];
  return { type: `/problems/${code}`, code, status, title, help };
};

const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(ERRORS, code);

const wantsHtml = ({ headers }: FastifyRequest): boolean => headers.accept?.includes('text/html') ?? false;

/** The texts are ours; the two characters that would be markup are escaped all the same. */
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** Text as it stands in the table, with its `code` set as code. */
const prose = (text: string): string => escaped(text).replace(/`([^`]*)`/g, '<code>$1</code>');

const page = (title: string, body: string): string => `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(title)}</title></head>
<body>
<h1>${escaped(title)}</h1>
${body}
</body>
</html>
`;

const problemPage = (code: ErrorCode): string => {
  const { status, title, help } = describe(code);
  return page(
    title,
    `<p>Status ${status}, code <code>${code}</code></p>\n<p>${prose(help)}</p>\n<p><a href="/problems">All problems</a></p>`,
  );
};

const listPage = (): string => {
  const rows = ERROR_CODES.map(describe).map(
    ({ type, code, status, title }) =>
      `<tr><td>${status}</td><td><a href="${type}"><code>${code}</code></a></td><td>${escaped(title)}</td></tr>`,
  );
  return page('Problems', `<table>\n${rows.join('\n')}\n</table>`);
};

const sendPage = (reply: FastifyReply, html: string) => reply.type('text/html; charset=utf-8').send(html);

/** One resource, for programs and for people. */
const inTwoForms = (description: string, schema: TSchema) => ({
  description,
  content: { 'application/json': { schema }, 'text/html': { schema: Type.String() } },
});

/** What the `type` of a problem document links to. */
export default async function problems(app: App): Promise<void> {
  app.get(
    '/problems',
    {
      schema: {
        operationId: 'listProblems',
        summary: 'All kinds of problems',
        tags: ['Service'],
        response: { 200: inTwoForms('The table of errors.', closed({ items: Type.Array(ref(ProblemType)) })) },
      },
    },
    (request, reply) => {
      void reply.header('vary', 'accept');
      return wantsHtml(request) ? sendPage(reply, listPage()) : reply.send({ items: ERROR_CODES.map(describe) });
    },
  );

  app.get(
    '/problems/:code',
    {
      schema: {
        operationId: 'explainProblem',
        summary: 'One kind of problem',
        tags: ['Service'],
        params: closed({ code: Type.String({ maxLength: 64 }) }),
        response: {
          200: inTwoForms('What it is, and what to do.', ref(ProblemType)),
          ...problemResponses('not-found'),
        },
      },
    },
    (request, reply) => {
      const { code } = request.params;
      if (!isErrorCode(code)) throw new AppError('not-found');
      void reply.header('vary', 'accept');
      return wantsHtml(request) ? sendPage(reply, problemPage(code)) : reply.send(describe(code));
    },
  );

  app.get('/', { schema: { hide: true } }, (_request, reply) => reply.redirect('/docs'));
}
