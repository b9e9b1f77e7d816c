import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ERROR_CODES, ERRORS } from '../../src/errors.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';

let service: TestApp;
beforeAll(async () => {
  service = await buildTestApp();
});
afterAll(() => service.close());

const html = { accept: 'text/html,application/xhtml+xml' };

describe('the pages that problem documents link to', () => {
  it.each(ERROR_CODES)('explain %s to programs and to people', async (code) => {
    const [status, title, help] = ERRORS[code];
    const response = await service.app.inject(`/problems/${code}`);
    expect(response.json()).toEqual({ type: `/problems/${code}`, code, status, title, help });
    const page = await service.app.inject({ url: `/problems/${code}`, headers: html });
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.headers.vary).toBe('accept');
    expect(page.body).toContain(`<code>${code}</code>`);
    expect(page.body).not.toContain('`');
  });

  it('are all on one list', async () => {
    const response = await service.app.inject('/problems');
    expect(response.json().items.map(({ code }: { code: string }) => code)).toEqual(ERROR_CODES);
    const page = await service.app.inject({ url: '/problems', headers: html });
    for (const code of ERROR_CODES) expect(page.body).toContain(`href="/problems/${code}"`);
  });

  it.each(['unknown', 'toString', '__proto__', '%3Cscript%3E'])('do not exist for %s', async (code) => {
    const response = await service.app.inject({ url: `/problems/${code}`, headers: html });
    expect([response.statusCode, response.json().code]).toEqual([404, 'not-found']);
  });
});
