import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { User } from '../../src/models/user.ts';
import { buildTestApp, type TestApp } from '../helpers/app.ts';
import { type Browser, openBrowser, whyNoBrowser } from '../helpers/browser.ts';
import { listen } from '../helpers/listen.ts';
import { mailTo, post, signUp, verifiedAccount } from '../helpers/mailed.ts';
import { PASSWORD, signIn } from '../helpers/people.ts';

const NEXT = 'an entirely new pass phrase';
const reason = whyNoBrowser();

describe.skipIf(reason !== undefined)(`the pages of mailed links${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let service: TestApp;
  let origin: string;
  let browser: Browser;
  beforeAll(async () => {
    service = await buildTestApp();
    origin = `http://localhost:${await listen(service.app)}`;
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await service.close();
  });

  /** Follows a mailed link, and collects what the browser complains of, such as a refusal by the policy. */
  async function follow(link: string): Promise<{ page: Page; complaints: string[] }> {
    const page = await browser.context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    const { pathname, hash } = new URL(link);
    await page.goto(origin + pathname + hash);
    return { page, complaints };
  }

  const told = async (page: Page, text: string): Promise<void> => {
    await page.getByRole('status').filter({ hasText: text }).waitFor();
  };

  it('set a new password', async () => {
    const { email } = await verifiedAccount(service);
    await post(service, '/v1/password-resets', { email });
    const { link } = await mailTo(service, email, 'reset-password');
    const { page, complaints } = await follow(link);
    expect(page.url()).toBe(`${origin}/reset-password`);
    await page.getByLabel('New password').fill('short');
    await page.getByRole('button').click();
    await told(page, 'The password must have at least 15 characters.');
    await page.getByLabel('Show it').check();
    await page.getByLabel('New password').fill(NEXT);
    expect(await page.getByLabel('New password').getAttribute('type')).toBe('text');
    await page.keyboard.press('Enter');
    await told(page, 'Your new password is set.');
    expect(await page.getByRole('button').count()).toBe(0);
    await signIn(service, email, NEXT);
    expect(service.log()).not.toContain(link.split('=')[1]);
    // The browser notes the refusal of the first password, and nothing else.
    expect(complaints.filter((each) => !each.includes('status of 400'))).toEqual([]);

    const again = await follow(link);
    await again.page.getByLabel('New password').fill(NEXT);
    await again.page.getByRole('button').click();
    await told(again.page, 'This link does not work any more.');
  });

  it('verify an email by the password', async () => {
    const { email } = await signUp(service);
    const { page } = await follow((await mailTo(service, email, 'verify-email')).link);
    await page.getByLabel('Password').fill('wrong');
    await page.getByRole('button').click();
    await told(page, 'The password is wrong.');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button').click();
    await told(page, 'Your email is verified.');
    expect((await User.findOne({ email }).lean())?.emailVerified).toBe(true);
  });

  it('remove an account only when asked to: to open the page changes nothing', async () => {
    const { email, id } = await signUp(service);
    const { page } = await follow((await mailTo(service, email, 'verify-email')).rejectLink);
    await page.getByRole('button', { name: 'Remove the account' }).waitFor();
    expect(await User.exists({ _id: id })).not.toBeNull();
    await page.getByRole('button').click();
    await told(page, 'The account is removed.');
    expect(await User.exists({ _id: id })).toBeNull();
  });

  it('say so where the link is not whole', async () => {
    const { page } = await follow(`${origin}/reset-password`);
    await told(page, 'This link is not complete.');
    expect(await page.getByRole('button').count()).toBe(0);
  });
});
