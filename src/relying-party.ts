import { type Config, list } from './config.ts';
import { isUnderDomain } from './lib/domain.ts';
import type { RelyingParty } from './lib/webauthn.ts';

type PasskeyConfig = Pick<Config, 'PUBLIC_URL' | 'SERVICE_NAME' | 'PASSKEY_RP_ID' | 'PASSKEY_ORIGINS' | 'CORS_ORIGINS'>;

/** For whom the passkeys of this service are made, and on which pages they may be used. */
export function relyingPartyOf(config: PasskeyConfig): RelyingParty {
  const { origin, hostname } = new URL(config.PUBLIC_URL);
  const id = config.PASSKEY_RP_ID ?? hostname;
  const named = list(config.PASSKEY_ORIGINS);
  const allied = list(config.CORS_ORIGINS).filter((each) => isUnderDomain(each, id));
  return {
    id,
    name: config.SERVICE_NAME,
    origins: [...new Set([...(named.length > 0 ? named : [origin]), ...allied])],
  };
}
