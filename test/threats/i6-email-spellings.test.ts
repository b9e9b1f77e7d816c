// I6: one mailbox in many spellings, or one text that is two mailboxes. Elsewhere a full-width `@`, another case or a
// decomposed accent made a second account, or sent the reset of one account to another; a line break in an address
// added a recipient. Here an address is normalised before it is validated: one account, one recipient.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { commandsOf } from '../helpers/commands.ts';
import { call, PASSWORD } from '../helpers/people.ts';

const STORED = 'zoë.king@xn--bcher-kva.example';
const SPELLINGS = {
  'as stored': STORED,
  'in Unicode': 'zoë.king@bücher.example',
  'in capitals': 'ZOË.KING@BÜCHER.EXAMPLE',
  'in mixed case': 'Zoë.King@Bücher.Example',
  'among spaces': '  zoë.king@bücher.example ',
  decomposed: 'zoe\u0308.king@bu\u0308cher.example',
  'with a full-width @': 'zoë.king＠bücher.example',
  'with a small @': 'zoë.king﹫bücher.example',
  'all in full width': 'ｚｏë．ｋｉｎｇ＠bücher．ｅｘａｍｐｌｅ',
  'with an ideographic full stop': 'zoë.king@bücher。example',
  'with the Kelvin sign': 'zoë.\u212Aing@bücher.example',
  'with an encoded domain in capitals': 'zoë.king@XN--BCHER-KVA.EXAMPLE',
};

const NO_ADDRESS = {
  'a line feed at the end': 'eve@example.com\n',
  'a line feed at the start': '\neve@example.com',
  'a header injected': 'eve@example.com\r\nBcc: mallory@example.com',
  'a carriage return': 'eve@example.com\rmallory@example.com',
  'a line separator': 'eve\u2028@example.com',
  'a null character': 'eve@example.com\0',
  'an encoded word': 'eve@=?utf-8?q?example.com?=',
  'two by a comma': 'eve@example.com,mallory@example.com',
  'two by a semicolon': 'eve@example.com;mallory@example.com',
  'two by a space': 'eve@example.com mallory@example.com',
  'two by a full-width comma': 'eve@example.com，mallory@example.com',
  'two @': 'eve@mallory@example.com',
  'two @, one of them full-width': 'eve＠mallory.example@example.com',
  'a display name': 'Eve <eve@example.com>',
  brackets: '<eve@example.com>',
  'a comment': 'eve(mallory@example.com)@example.com',
  'a quoted part': '"eve@example.com,"@example.com',
  'a zero-width space': 'e\u200Bve@example.com',
  'a zero-width joiner': 'e\u200Dve@example.com',
  'a bidirectional override': 'eve\u202E@example.com',
  'a ligature': 'e\uFB01@example.com',
  'an enclosed letter': 'ⓔve@example.com',
  'an address in place of a domain': 'eve@[127.0.0.1]',
  'a number in place of a domain': 'eve@2130706433',
  'a host without a domain': 'eve@localhost',
  'an escaped domain': 'eve@example%2ecom',
  'a slash in the domain': 'eve@example.com/mallory.example',
  'a domain that grows too long': `eve@${'ü'.repeat(300)}.example`,
  'no @': 'eve.example.com',
};

let service: TestApp;
let id: string;
beforeAll(async () => {
  service = await buildTestApp();
  const response = await call(service, 'POST', '/v1/users', { email: SPELLINGS['in mixed case'], password: PASSWORD });
  id = response.json().id;
});
afterAll(() => service.close());

const signUp = (email: string) => call(service, 'POST', '/v1/users', { email, password: PASSWORD });
const signIn = (email: string) => call(service, 'POST', '/v1/sessions', { email, password: PASSWORD });

describe('one mailbox', () => {
  it.each(Object.entries(SPELLINGS))('spelt %s is one account', async (_, email) => {
    const [second, session] = await Promise.all([signUp(email), signIn(email)]);
    expect([second.statusCode, second.json().code]).toEqual([409, 'email-taken']);
    expect([session.statusCode, session.json().user]).toEqual([201, expect.objectContaining({ id, email: STORED })]);
    expect(await User.distinct('email', {})).toEqual([STORED]);
  });

  it('differs from one whose letters only look alike', async () => {
    for (const email of ['zoe.king@bücher.example', 'zoë.kıng@bücher.example', 'zoë.king@bucher.example'])
      expect((await signIn(email)).statusCode, email).toBe(401);
  });
});

describe('what is not exactly one address', () => {
  it.each(Object.entries(NO_ADDRESS))('(%s) is refused before anything is looked up', async (_, email) => {
    const sent = await commandsOf(async () => {
      for (const response of [await signUp(email), await signIn(email)]) {
        expect([response.statusCode, response.json().code]).toEqual([400, 'validation-failed']);
        expect(response.json().errors).toEqual([expect.objectContaining({ pointer: '/email' })]);
      }
    });
    expect(sent).toEqual(['findAndModify rate_limits', 'findAndModify rate_limits']);
  });

  it('is never stored', async () => {
    expect(await User.countDocuments()).toBe(1);
  });
});
