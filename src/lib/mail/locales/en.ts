import type { Catalogue } from '../catalogue.ts';

const factors: Catalogue['factors'] = {
  totp: () => 'an authenticator app',
  passkey: (name) => (name ? `a passkey named “${name}”` : 'a passkey'),
  'recovery-codes': () => 'recovery codes',
};

function codesLeft(left: number): string {
  if (left === 0) return 'None is left: make new ones before you need them.';
  return left === 1 ? 'One is left.' : `${left} are left.`;
}

const count = (n: number, unit: string): string => `${n} ${unit}${n === 1 ? '' : 's'}`;

export const en: Catalogue = {
  language: 'en-GB',
  greeting: (service) => `Hello, this is ${service}.`,
  address: 'The whole address of this link:',
  validOnce: 'The link works once.',
  validFor: (duration) => `The link works once, for ${duration}.`,
  time: 'When',
  device: 'With',
  ip: 'From',
  browserOn: (browser, system) => `${browser} on ${system}`,
  factors,
  automatic: (service) => `${service} sent this automatically. Nobody reads answers to it.`,

  mails: {
    'verify-email': {
      subject: ({ service }) => `Confirm your email address for ${service}`,
      says: ({ service }) => `Somebody signed up for ${service} with this email address. If it was you, confirm it:`,
      action: 'Confirm the email address',
      otherwise: () => 'If it was not you, somebody else gave your address. You can delete the account they made:',
      reject: 'This was not me: delete that account',
    },
    'sign-up-again': {
      subject: ({ service }) => `You already have an account with ${service}`,
      says: ({ service }) =>
        `Somebody tried to sign up for ${service} with this email address. It has an account already, so no other one was made, and yours is as it was.`,
      otherwise: () =>
        'If it was you, sign in instead, and ask for a new password if you have forgotten yours. If it was not you, you need not do anything.',
    },
    'reset-password': {
      subject: ({ service }) => `Choose a new password for ${service}`,
      says: ({ service }) =>
        `Somebody asked for a new password for your account with ${service}. If it was you, go on:`,
      action: 'Choose a new password',
      otherwise: () => 'If it was not you, ignore this mail: your password stays as it is.',
    },
    'choose-password': {
      subject: ({ service }) => `Your new account with ${service}`,
      says: ({ service }) =>
        `An administrator of ${service} made an account for this email address. Choose its password, and it is yours:`,
      action: 'Choose a password',
      otherwise: () => 'If you do not expect an account, ignore this mail.',
    },
    'password-changed': {
      subject: ({ service }) => `Your password for ${service} was changed`,
      says: ({ service }) =>
        `The password of your account with ${service} was changed. All other sessions of the account were ended.`,
      otherwise: () => 'If it was not you, ask for a new password at once, on the page where you sign in.',
    },
    'confirm-new-email': {
      subject: ({ service }) => `Confirm your new email address for ${service}`,
      says: ({ service }) =>
        `Somebody asked to use this email address for their account with ${service}. If it was you, confirm it:`,
      action: 'Confirm the new email address',
      otherwise: () => 'If it was not you, ignore this mail: nothing changes then.',
    },
    'email-change-requested': {
      subject: ({ service }) => `Your email address for ${service} is about to change`,
      says: ({ service, newEmail }) =>
        `Somebody who is signed in to your account with ${service} asked to change its email address to ${newEmail}. It changes when that mailbox confirms it.`,
      otherwise: () => 'If it was not you, change your password at once: that also calls off the change of address.',
    },
    'email-changed': {
      subject: ({ service }) => `Your email address for ${service} was changed`,
      says: ({ service, newEmail }) =>
        `The email address of your account with ${service} is now ${newEmail}. This is the last mail to the old one.`,
      otherwise: ({ service }) => `If it was not you, ask whoever runs ${service} for help at once.`,
    },
    'magic-link': {
      subject: ({ service }) => `Sign in to ${service}`,
      says: ({ service }) => `Somebody asked to sign in to ${service} with this email address. If it was you, go on:`,
      action: 'Sign in',
      code: 'Or enter this code where you asked for it:',
      otherwise: () => 'If it was not you, ignore this mail, and tell nobody the code.',
    },
    'session-ended': {
      subject: ({ service }) => `A session of your account with ${service} was ended`,
      says: ({ service }) =>
        `A key to your account with ${service} was used twice, as happens when somebody has copied it. To be safe, the session that it belonged to was ended. You can sign in again.`,
      otherwise: () => 'If you do not know what is named here, change your password.',
    },
    'factor-added': {
      subject: ({ service }) => `A way to sign in to ${service} was added`,
      says: ({ service, factor, name }) => `This was added to your account with ${service}: ${factors[factor](name)}.`,
      otherwise: () => 'If it was not you, remove it and change your password at once.',
    },
    'factor-removed': {
      subject: ({ service }) => `A way to sign in to ${service} was removed`,
      says: ({ service, factor, name }) =>
        `This was removed from your account with ${service}: ${factors[factor](name)}.`,
      otherwise: () => 'If it was not you, change your password at once.',
    },
    'recovery-code-used': {
      subject: ({ service }) => `A recovery code was used to sign in to ${service}`,
      says: ({ service, left }) =>
        `Somebody signed in to your account with ${service} by one of its recovery codes. ${codesLeft(left)}`,
      otherwise: () => 'If it was not you, change your password and make new recovery codes at once.',
    },
    'identity-linked': {
      subject: ({ service, provider }) => `${provider} can now sign you in to ${service}`,
      says: ({ service, provider }) =>
        `An account with ${provider} was linked to your account with ${service}. Whoever uses the one can sign in to the other.`,
      otherwise: () => 'If it was not you, unlink it and change your password at once.',
    },
    'identity-unlinked': {
      subject: ({ service, provider }) => `${provider} can no longer sign you in to ${service}`,
      says: ({ service, provider }) => `The account with ${provider} was unlinked from your account with ${service}.`,
      otherwise: () => 'If it was not you, change your password at once.',
    },
    'account-suspended': {
      subject: ({ service }) => `Your account with ${service} was suspended`,
      says: ({ service }) =>
        `An administrator suspended your account with ${service}. Nobody can sign in to it, and all its sessions were ended.`,
      otherwise: ({ service }) => `If you do not know why, ask whoever runs ${service}.`,
    },
    'account-reactivated': {
      subject: ({ service }) => `Your account with ${service} works again`,
      says: ({ service }) => `Your account with ${service} was reactivated. You can sign in again.`,
      otherwise: ({ service }) => `If you do not know why it did not work, ask whoever runs ${service}.`,
    },
    'account-deactivated': {
      subject: ({ service }) => `Your account with ${service} was deactivated`,
      says: ({ service }) =>
        `Your account with ${service} was deactivated, and all its sessions were ended. It is kept, and works again as soon as you sign in.`,
      otherwise: () => 'If it was not you, sign in and change your password at once.',
    },
    'account-deleted': {
      subject: ({ service }) => `Your account with ${service} was deleted`,
      says: ({ service, days }) =>
        `Your account with ${service} was deleted, and all its sessions were ended. It can be restored for ${count(days, 'day')}; then it is gone for good, with all that belongs to it.`,
      otherwise: ({ service }) => `If it was not you, ask whoever runs ${service} to restore it.`,
    },
    'account-restored': {
      subject: ({ service }) => `Your account with ${service} was restored`,
      says: ({ service }) => `Your account with ${service} was restored. It is as it was before it was deleted.`,
      otherwise: ({ service }) => `If you did not ask for that, ask whoever runs ${service}.`,
    },
    'account-dormant-soon': {
      subject: ({ service }) => `Your account with ${service} is about to become inactive`,
      says: ({ service, months, days }) =>
        `Nobody has signed in to your account with ${service} for a long time. After ${count(months, 'month')} it becomes inactive, which is in ${count(days, 'day')}. To keep it active, sign in.`,
      otherwise: () => 'If you do not need it for now, do nothing: signing in later makes it active again.',
    },
    'account-dormant': {
      subject: ({ service }) => `Your account with ${service} has become inactive`,
      says: ({ service, months }) =>
        `Nobody has signed in to your account with ${service} for ${count(months, 'month')}. It is inactive now, and all its sessions were ended. Nothing of it is lost.`,
      otherwise: () => 'Signing in makes it active again.',
    },
    'team-invitation': {
      subject: ({ team, service }) => `You are invited to the team “${team}” on ${service}`,
      says: ({ team, service }) =>
        `You are invited to become a member of the team “${team}” on ${service}. Sign in with this email address, or sign up with it first, and accept:`,
      action: 'Accept the invitation',
      otherwise: () => 'If you do not know the team, ignore this mail: nothing happens then.',
    },
    'webhook-disabled': {
      subject: ({ service, host }) => `A webhook of ${service} to ${host} was disabled`,
      says: ({ service, host, reason }) =>
        reason === 'gone'
          ? `${host} answered that it takes no webhooks of ${service} any more. It is told nothing until you enable it again.`
          : `Nothing that ${service} sent to ${host} has got through for days. It is told nothing until you enable it again.`,
      otherwise: () =>
        'The list of its deliveries shows what went wrong. What was waiting is sent when you enable it again, and each can be sent once more.',
    },
  },
};
