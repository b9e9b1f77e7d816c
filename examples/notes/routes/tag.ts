import { owner } from '../../../src/lib/access-rules.ts';
import { resource } from '../../../src/routes/resource/resource.ts';
import { Tag, type TagRecord } from '../models/tag.ts';
import { tag } from '../schemas/tag.ts';

export const tags = resource<TagRecord>({
  model: Tag,
  name: 'tag',
  purpose: 'Words that people put their notes under.',
  schemas: tag,
  access: { list: owner(), read: owner(), create: owner(), update: owner(), delete: owner(), restore: owner() },
  sorts: ['name'],
  private: { userId: 'Whose it is.' },
  indexes: { idx_tags_user_id_name: 'One tag of a name for each owner; lists by name.' },
});
