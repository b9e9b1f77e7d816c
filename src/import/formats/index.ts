import { auth0 } from './auth0.ts';
import { betterAuth } from './better-auth.ts';
import { clerk } from './clerk.ts';
import { cognito } from './cognito.ts';
import { firebase } from './firebase.ts';
import type { ForeignFormat } from './format.ts';
import { keycloak } from './keycloak.ts';
import { parse } from './parse.ts';
import { supabase } from './supabase.ts';

/** The systems whose exports can be imported as they are. */
export const FOREIGN_FORMATS: readonly ForeignFormat[] = [
  auth0,
  firebase,
  keycloak,
  supabase,
  cognito,
  clerk,
  parse,
  betterAuth,
];
