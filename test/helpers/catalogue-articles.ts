import { Schema } from 'mongoose';
import { Type } from 'typebox';
import { everyone, owner, permission, role, signedIn } from '../../src/lib/access-rules.ts';
import { people } from '../../src/routes/people.ts';
import type { Resource } from '../../src/routes/resource/declaration.ts';
import { resource } from '../../src/routes/resource/resource.ts';
import { idOf } from '../../src/schemas/common.ts';
import { wireSchemas } from '../../src/schemas/resource.ts';
import { ref, required, say, testModel, text } from './catalogue-model.ts';

/** Read by everyone once published, written by its author; administration reads more. */
export function articles(subjects: () => Resource): Resource {
  const Article = testModel(
    'Article',
    {
      userId: ref('User', 'cascade', required),
      reviewerId: ref('User', 'nullify'),
      title: text(100, required),
      published: { type: Boolean, required: true },
      listed: { type: Boolean, required: true },
      rank: { type: Number, required: true },
      fee: { type: Schema.Types.Decimal128 },
      contact: text(100),
      verdict: text(100),
    },
    {
      user_id: { userId: 1, _id: 1 },
      reviewer_id: { reviewerId: 1, _id: 1 },
      published: { published: 1, _id: 1 },
      published_rank: { published: 1, rank: 1, _id: 1 },
    },
  );
  const ArticleSubject = testModel(
    'ArticleSubject',
    {
      articleId: ref('Article', 'cascade', required),
      subjectId: ref('Subject', 'cascade', required),
      since: { type: Date },
      word: text(20, { validate: { validator: (word: string) => word !== 'no', message: 'is not that word' } }),
    },
    { article_id: { articleId: 1, subjectId: 1 }, subject_id: { subjectId: 1, articleId: 1 } },
    { unique: ['article_id'], life: false },
  );
  const published = everyone({ published: true });
  return resource({
    model: Article,
    name: 'article',
    purpose: 'To be read.',
    schemas: wireSchemas('Article', {
      description: 'To be read.',
      fields: {
        userId: idOf('Who wrote it.', { readOnly: true }),
        reviewerId: Type.Optional(idOf('Who reviews it.')),
        title: Type.String({ maxLength: 100, ...say('One line.') }),
        published: Type.Boolean(say('Whether all may read it.')),
        listed: Type.Boolean(say('Whether the contact is shown.')),
        rank: Type.Integer(say('Its place.')),
        fee: Type.Optional(Type.String({ pattern: '^\\d{1,9}(\\.\\d{1,2})?$', ...say('What its author gets.') })),
        contact: Type.Optional(Type.String({ maxLength: 100, ...say('Where to ask.') })),
        verdict: Type.Optional(Type.String({ maxLength: 100, ...say('Of administration.') })),
      },
      example: { title: 'Looms', published: true, listed: false, rank: 1 },
    }),
    access: {
      list: [published, permission('users:read')],
      read: [published, permission('users:read')],
      create: owner(),
      update: [owner(), permission('users:write')],
      delete: [owner(), role('admin')],
      restore: owner(),
    },
    fields: {
      fee: { read: [owner(), permission('users:read')] },
      contact: { read: everyone({ listed: true }) },
      verdict: { read: permission('collections:read'), write: permission('collections:write') },
      reviewerId: { read: permission('collections:read'), write: owner() },
    },
    sorts: ['rank'],
    include: {
      author: { kind: 'parent', path: 'userId', of: () => people },
      reviewer: { kind: 'parent', path: 'reviewerId', of: () => people },
      subjects: {
        kind: 'links',
        through: ArticleSubject,
        from: 'articleId',
        to: 'subjectId',
        of: subjects,
        fields: {
          since: Type.Optional(Type.String({ format: 'date-time', ...say('When it was found.') })),
          word: Type.Optional(Type.String(say('In a word.'))),
        },
      },
    },
  });
}

/** Seen by any account while open; what its owner remembers about it is theirs. */
export const subjects = (): Resource =>
  resource({
    model: testModel(
      'Subject',
      {
        userId: ref('User', 'cascade', required),
        name: text(40, { ...required, trim: true, lowercase: true, minlength: 2 }),
        open: { type: Boolean, required: true },
        memo: text(100),
      },
      { user_id: { userId: 1, _id: 1 }, user_id_name: { userId: 1, name: 1 }, open: { open: 1, _id: 1 } },
      { unique: ['user_id_name'] },
    ),
    name: 'subject',
    purpose: 'What articles are about.',
    schemas: wireSchemas('Subject', {
      description: 'What articles are about.',
      fields: {
        userId: idOf('Whose it is.'),
        name: Type.String(say('The word.')),
        open: Type.Boolean(say('Whether others see it.')),
        memo: Type.Optional(Type.String(say('What its owner remembers.'))),
      },
      example: { name: 'looms', open: true },
    }),
    access: {
      list: signedIn({ open: true }),
      read: signedIn({ open: true }),
      create: owner(),
      update: owner(),
      delete: owner(),
    },
    fields: { memo: { read: owner() } },
  });
