import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { isoCBOR } from '@simplewebauthn/server/helpers';

/** User present and verified; with attested credential data. */
const VERIFIED = 0x05;
const ATTESTED = 0x40;

const sha256 = (data: Uint8Array | string): Buffer => createHash('sha256').update(data).digest();

interface CreationOptions {
  readonly challenge: string;
  readonly rp: { readonly id?: string };
}

interface RequestOptions {
  readonly challenge: string;
  readonly rpId?: string;
}

/** An authenticator in memory with one key, for requests that only its answers get through. */
export class Authenticator {
  readonly #origin: string;
  readonly #id = randomBytes(16);
  readonly #keys = generateKeyPairSync('ed25519');

  constructor(origin: string) {
    this.#origin = origin;
  }

  /** As a browser puts into JSON what `navigator.credentials.create` resolves to. */
  create({ challenge, rp }: CreationOptions) {
    const authData = this.#authenticatorData(rp.id, VERIFIED | ATTESTED, this.#attestedCredential());
    const object = new Map<string, unknown>([
      ['fmt', 'none'],
      ['attStmt', new Map()],
      ['authData', new Uint8Array(authData)],
    ]);
    const attestationObject = Buffer.from(isoCBOR.encode(object as never)).toString('base64url');
    const clientDataJSON = this.#clientData('webauthn.create', challenge).toString('base64url');
    return this.#credential({ clientDataJSON, attestationObject, transports: ['internal'] });
  }

  /** As a browser puts into JSON what `navigator.credentials.get` resolves to. */
  get({ challenge, rpId }: RequestOptions) {
    const authData = this.#authenticatorData(rpId, VERIFIED);
    const clientData = this.#clientData('webauthn.get', challenge);
    const signature = sign(null, Buffer.concat([authData, sha256(clientData)]), this.#keys.privateKey);
    return this.#credential({
      clientDataJSON: clientData.toString('base64url'),
      authenticatorData: authData.toString('base64url'),
      signature: signature.toString('base64url'),
    });
  }

  #credential<R>(response: R) {
    const id = this.#id.toString('base64url');
    return { id, rawId: id, type: 'public-key', clientExtensionResults: {}, response };
  }

  #clientData(type: string, challenge: string): Buffer {
    return Buffer.from(JSON.stringify({ type, challenge, origin: this.#origin, crossOrigin: false }));
  }

  /** Its counter stays 0, as that of a synchronised passkey does. */
  #authenticatorData(rpId = '', flags: number, attested: Buffer = Buffer.alloc(0)): Buffer {
    return Buffer.concat([sha256(rpId), Buffer.from([flags, 0, 0, 0, 0]), attested]);
  }

  #attestedCredential(): Buffer {
    const { x = '' } = this.#keys.publicKey.export({ format: 'jwk' });
    const cose = new Map<number, unknown>([
      [1, 1],
      [3, -8],
      [-1, 6],
      [-2, new Uint8Array(Buffer.from(x, 'base64url'))],
    ]);
    const length = Buffer.from([0, this.#id.length]);
    return Buffer.concat([Buffer.alloc(16), length, this.#id, isoCBOR.encode(cose as never)]);
  }
}
