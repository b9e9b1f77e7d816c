import { readFileSync } from 'node:fs';
import type { CDPSession, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { type Browser, openBrowser, whyNoBrowser } from '../helpers/browser.ts';
import { freePort } from '../helpers/listen.ts';
import { freshEmail, PASSWORD, signIn } from '../helpers/people.ts';

/** The functions that the documentation gives to copy. */
const [, SNIPPET = ''] =
  /```js passkeys\n([\s\S]+?)```/.exec(readFileSync(new URL('../../docs/sign-in.md', import.meta.url), 'utf8')) ?? [];

interface Answer {
  readonly [member: string]: unknown;
}

const reason = whyNoBrowser();

describe.skipIf(reason !== undefined)(
  `passkeys in a browser${reason ? ` (skipped: ${reason})` : ''}`,
  { timeout: 60_000 },
  () => {
    let service: TestApp;
    let browser: Browser;
    let page: Page;
    let devices: CDPSession;
    let authenticatorId: string;
    const email = freshEmail();

    beforeAll(async () => {
      const port = await freePort();
      const origin = `http://localhost:${port}`;
      service = await buildTestApp({ PUBLIC_URL: origin });
      await service.app.listen({ host: '127.0.0.1', port });
      browser = await openBrowser();
      page = await browser.context.newPage();
      await page.goto(`${origin}/docs`);
      devices = await browser.context.newCDPSession(page);
      await devices.send('WebAuthn.enable');
      const options = {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      } as const;
      ({ authenticatorId } = await devices.send('WebAuthn.addVirtualAuthenticator', { options }));
    });
    afterAll(async () => {
      await browser?.close();
      await service?.close();
    });

    /** What the page gets by the functions of the snippet; a problem is what they throw. */
    const inPage = (expression: string): Promise<Answer> =>
      page.evaluate(`(async () => {
        ${SNIPPET}
        return ${expression};
      })().catch((error) => ({ failed: error.name, ...error }))`);

    it('are added to an account that signs up on the page', async () => {
      const account = JSON.stringify({ email, password: PASSWORD });
      expect(await inPage(`await post('/v1/users', ${account})`)).toMatchObject({ email });
      const added = await inPage(`await addPasskey((await post('/v1/sessions', ${account})).accessToken)`);
      expect(added).toEqual({
        passkey: expect.objectContaining({ name: 'Chrome on Linux', transports: ['internal'] }),
        recoveryCodes: expect.arrayContaining([expect.any(String)]),
      });
      const { credentials } = await devices.send('WebAuthn.getCredentials', { authenticatorId });
      expect(credentials).toEqual([expect.objectContaining({ isResidentCredential: true, rpId: 'localhost' })]);
    });

    it('sign in by themselves', async () => {
      const signedIn = await inPage('await signInByPasskey()');
      expect(signedIn).toMatchObject({ user: { email }, session: { authenticationMethods: ['pop', 'mfa'] } });
      await expect(signIn(service, email)).rejects.toThrow('mfa-required');
    });

    it('are the second step after a password', async () => {
      const account = JSON.stringify({ email, password: PASSWORD });
      const begun = await inPage(`await post('/v1/sessions', ${account})`);
      expect(begun).toMatchObject({ code: 'mfa-required', methods: ['passkey', 'recovery-code'] });
      const done = await inPage(`await secondStepByPasskey(${JSON.stringify(begun['challenge'])})`);
      expect(done).toMatchObject({ session: { authenticationMethods: ['pwd', 'pop', 'mfa'] } });
    });

    it('work once for each challenge', async () => {
      const answers = await inPage(`await (async () => {
        const assertion = await askForPasskey(await post('/v1/sessions/passkey/options'));
        const send = () => post('/v1/sessions/passkey', { assertion }).then(() => 'signed in', ({ code }) => code);
        return [await send(), await send()];
      })()`);
      expect(answers).toEqual(['signed in', 'invalid-passkey']);
    });

    it('prove nothing unless their user was verified, by the browser or here', async () => {
      await devices.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false });
      expect(await inPage('await signInByPasskey()')).toMatchObject({ failed: 'NotAllowedError' });
      const lax = await inPage(`await (async () => {
        const options = { ...(await post('/v1/sessions/passkey/options')), userVerification: 'discouraged' };
        return post('/v1/sessions/passkey', { assertion: await askForPasskey(options) });
      })()`);
      expect(lax).toMatchObject({ code: 'invalid-passkey' });
    });
  },
);
