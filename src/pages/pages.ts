import type { LinkPath } from '../lib/mail/links.ts';

export interface PageField {
  /** As the API names it. */
  readonly name: 'password' | 'newPassword';
  readonly label: string;
  readonly hint: string;
  /** How a password manager is to understand it (HTML, section "Autofill"). */
  readonly autocomplete: 'current-password' | 'new-password';
}

/** What stands on a page, and where its form is sent together with the token of the link. */
export interface Page {
  readonly title: string;
  readonly intro: string;
  readonly action: string;
  readonly field?: PageField;
  /** What is sent besides. */
  readonly sent?: Readonly<Record<string, string>>;
  readonly button: string;
  readonly done: string;
}

const CURRENT_PASSWORD: PageField = {
  name: 'password',
  label: 'Password',
  hint: 'The password of this account, so that nobody takes it over by a link alone.',
  autocomplete: 'current-password',
};

const newPassword = (label: string): PageField => ({
  name: 'newPassword',
  label,
  hint: 'A few unrelated words make a good one. Spaces and all other characters are welcome.',
  autocomplete: 'new-password',
});

/** Nothing happens before the button is pressed: mail scanners open links too. */
export const PAGES: Readonly<Record<LinkPath, Page>> = Object.freeze({
  'verify-email': {
    title: 'Verify your email',
    intro: 'Somebody signed up with your email. If it was you, enter the password that you chose.',
    action: 'v1/email-verifications/confirm',
    field: CURRENT_PASSWORD,
    button: 'Verify email',
    done: 'Your email is verified.',
  },
  'reject-sign-up': {
    title: 'This was not me',
    intro: 'Somebody signed up with your email. If it was not you, remove the account: it is gone for good then.',
    action: 'v1/email-verifications/reject',
    button: 'Remove the account',
    done: 'The account is removed.',
  },
  'reset-password': {
    title: 'Set a new password',
    intro: 'You are signed out everywhere by this, and sign in with the new password.',
    action: 'v1/password-resets/confirm',
    field: newPassword('New password'),
    button: 'Set password',
    done: 'Your new password is set. You can sign in with it now.',
  },
  'choose-password': {
    title: 'Choose a password',
    intro: 'An account was made for you. Choose the password that you will sign in with.',
    action: 'v1/password-resets/confirm',
    field: newPassword('Password'),
    button: 'Choose password',
    done: 'Your password is set. You can sign in with it now.',
  },
  'confirm-email': {
    title: 'Confirm your new email',
    intro: 'Your account will have this email from now on. If you did not ask for that, close this page.',
    action: 'v1/email-changes/confirm',
    field: CURRENT_PASSWORD,
    button: 'Change email',
    done: 'Your email is changed.',
  },
  'magic-link': {
    title: 'Sign in',
    intro: 'You asked for a link to sign in with. If it was not you, close this page.',
    action: 'v1/sessions/magic-link/confirm',
    // No script of a page needs the tokens, and the browser keeps the cookies for the application.
    sent: { transport: 'cookie' },
    button: 'Sign in',
    done: 'You are signed in.',
  },
  'accept-invitation': {
    title: 'Join a team',
    intro:
      'You are invited to a team. Sign in in this browser first, to the account that has the email of the invitation.',
    action: 'v1/invitations/accept',
    button: 'Accept the invitation',
    done: 'You are a member of the team now.',
  },
});
