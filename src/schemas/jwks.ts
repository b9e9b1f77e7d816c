import { Type } from 'typebox';
import { named, ref } from './common.ts';

export const PublicJwk = named(
  'PublicJwk',
  {
    kty: Type.Literal('OKP'),
    crv: Type.Literal('Ed25519'),
    x: Type.String({ description: 'The public key, 32 bytes in base64url.' }),
    kid: Type.String({ description: 'The `kid` of the tokens that it verifies: its RFC 7638 thumbprint.' }),
    alg: Type.Literal('EdDSA'),
    use: Type.Literal('sig'),
  },
  { description: 'A public key that verifies access tokens (RFC 7517, RFC 8037).' },
);

export const JwkSet = named(
  'JwkSet',
  { keys: Type.Array(ref(PublicJwk)) },
  {
    description: 'The public keys of all access tokens that live, and of those to come (RFC 7517).',
    examples: [
      {
        keys: [
          {
            kty: 'OKP',
            crv: 'Ed25519',
            x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
            kid: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
            alg: 'EdDSA',
            use: 'sig',
          },
        ],
      },
    ],
  },
);
