import { AuditSeal } from '../models/audit-seal.ts';
import { defineCollection } from './define.ts';

export const auditSeals = defineCollection({
  model: AuditSeal,
  purpose: 'Batches of audit events, each hashed together with the batch before: a change of any of them is found.',
  public: {},
  admin: {},
  private: {
    _id: 'Its number, from 1 on without a gap.',
    previousHash: 'Hash of the seal before.',
    eventIds: 'The events that it covers, in the order of their ids. Gone once the batch has expired.',
    eventHashes: 'Their hashes, in the same order.',
    root: 'Hash over both.',
    count: 'How many events.',
    sealedAt: 'When.',
    firstAt: 'Of its earliest event.',
    lastAt: 'Of its latest event.',
    keepUntil: 'Until when its events stay, by the period that held when it was sealed.',
    hash: 'Over all of it but the lists, and so over every seal before.',
    keyId: 'The key of the keyring that `mac` was made under.',
    mac: 'Of `hash`, so that the database alone is not enough to make seals.',
    expiredAt: 'When its events were removed.',
  },
  computed: {},
  indexes: { idx_audit_seals_keep_until: 'Batches whose time is over.' },
  relations: [],
  enums: {},
  retention: 'Kept, so that the chain is whole; its events and their hashes go when they have expired.',
  wire: [],
});
