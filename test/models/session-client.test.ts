import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toId } from '../../src/models/ids.ts';
import { Session } from '../../src/models/session.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { call, dump, type Options, PASSWORD, person, refresh, whoAmI } from '../helpers/people.ts';

const AGENT = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
const FROM = { remoteAddress: '198.51.100.23', headers: { 'user-agent': AGENT } };

let service: TestApp;
beforeAll(async () => {
  service = await buildTestApp();
});
afterAll(() => service.close());

const openedFrom = async (email: string, from: Options) =>
  (await call(service, 'POST', '/v1/sessions', { email, password: PASSWORD }, from)).json();

const stored = (id: string) => Session.collection.findOne({ _id: toId(id) });

describe('address and agent of a session', () => {
  it('are told to its owner, and by no copy of the database', async () => {
    const { email } = await person(service);
    const { session } = await openedFrom(email, FROM);
    expect(session).toMatchObject({ ip: FROM.remoteAddress, userAgent: AGENT, device: 'Firefox on Linux' });
    const text = await dump();
    expect(text).toContain(session.id);
    for (const secret of [FROM.remoteAddress, AGENT, 'Firefox']) expect(text).not.toContain(secret);
  });

  it('are cut to what anybody needs of them', async () => {
    const { email } = await person(service);
    const from = { headers: { 'user-agent': 'x'.repeat(2_000) } };
    const { session } = await openedFrom(email, from);
    expect(session.userAgent).toBe('x'.repeat(512));
  });
});

describe('a session that an instance of the version before has opened meanwhile', () => {
  it('goes on without its address, which its next refresh drops', async () => {
    const ada = await person(service);
    const change = { $set: { ip: '203.0.113.5', userAgent: AGENT }, $unset: { client: 1 } };
    await Session.collection.updateOne({ _id: toId(ada.sessionId) }, change);
    expect((await whoAmI(service, ada.accessToken)).statusCode).toBe(200);
    const [listed] = (await ada.call('GET', '/v1/sessions')).json().items;
    expect(listed).not.toHaveProperty('ip');
    expect((await refresh(service, ada.refreshToken)).statusCode).toBe(200);
    const document = await stored(ada.sessionId);
    expect(document).toMatchObject({ rotation: 1 });
    for (const path of ['ip', 'userAgent']) expect(document).not.toHaveProperty(path);
  });
});
