import { owner } from '../../../src/lib/access-rules.ts';
import { resource } from '../../../src/routes/resource/resource.ts';
import { Keyword, type KeywordRecord } from '../models/keyword.ts';
import { keyword } from '../schemas/keyword.ts';

export const keywords = resource<KeywordRecord>({
  model: Keyword,
  name: 'keyword',
  purpose: 'Words that people put their notes under.',
  schemas: keyword,
  access: { list: owner(), read: owner(), create: owner(), update: owner(), delete: owner(), restore: owner() },
  sorts: ['name'],
  private: { userId: 'Whose it is.' },
  indexes: { idx_keywords_user_id_name: 'One keyword of a name for each owner; lists by name.' },
});
