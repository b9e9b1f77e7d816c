import { Problem } from './common.ts';
import { Refresh, Refreshed, Session, SessionPage, SignedIn, SignIn } from './session.ts';
import {
  AdminUser,
  AdminUserPage,
  AdminUserPatch,
  PasswordChange,
  SignUp,
  StatusChange,
  User,
  UserPatch,
} from './user.ts';

/** The schemas that others refer to by name: the components of the OpenAPI document. */
export const NAMED_SCHEMAS = [
  AdminUser,
  AdminUserPage,
  AdminUserPatch,
  PasswordChange,
  Problem,
  Refresh,
  Refreshed,
  Session,
  SessionPage,
  SignedIn,
  SignIn,
  SignUp,
  StatusChange,
  User,
  UserPatch,
] as const;
