import type { Catalogue } from '../catalogue.ts';
import { de } from './de.ts';
import { en } from './en.ts';

/** The languages that mail can be written in; another one is a file beside this one and an entry here. */
export const CATALOGUES = Object.freeze({ en, de }) satisfies Readonly<Record<string, Catalogue>>;

export type MailLocale = keyof typeof CATALOGUES;

export const MAIL_LOCALES = Object.freeze(Object.keys(CATALOGUES) as MailLocale[]);
