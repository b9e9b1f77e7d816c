import type { FastifyRequest } from 'fastify';
import { AppError } from '../../errors.ts';
import { DecryptionError } from '../../lib/keyring.ts';
import type { DocumentPosition } from '../../models/document-list.ts';
import type { LinkRelation } from './declaration.ts';
import { junctionOf } from './include.ts';

const NO_ID = '0'.repeat(24);

/**
 * Where lists go on that follow the links of one document: where a page of links ended, and that may be at a document
 * that the reader is not shown. So the position is encrypted, for a client to hand back and not to read.
 * @param end the id of that document: a position in the links of another one does not open
 */
export function positionsOf({ server }: FastifyRequest, relation: LinkRelation, end: string) {
  const { keyring } = server.deps;
  const { collectionName } = junctionOf(relation).model.collection;
  // No document has it: a client keeps it.
  const place = { collection: collectionName, field: 'cursor', record: end };
  return {
    close: (id: string): DocumentPosition => ({ key: keyring.encrypt(id, place), id: NO_ID }),
    /** @throws {AppError} `invalid-cursor` */
    open({ key }: { readonly key: string | Date }): string {
      try {
        return keyring.decrypt(String(key), place).toString();
      } catch (cause) {
        if (cause instanceof DecryptionError) throw new AppError('invalid-cursor', { cause });
        throw cause;
      }
    },
  };
}
