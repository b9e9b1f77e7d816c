/** The password of every example account that has one. */
export const EXAMPLE_PASSWORD = 'wander through every room';

/**
 * Hashes of that password as different systems would have made them. They are shared, because making one for each of
 * 100,000 accounts would take 20 minutes. All but the first two are replaced by hashes of today's kind and cost when
 * their owners sign in.
 */
export const HASHES = Object.freeze({
  argon2id: '$argon2id$v=19$m=19456,t=2,p=1$B3kyMUZBpbpMZxbuXxIpaQ$GZWmBYWtNK0yJWAtVzbfluWq1KDUS22UvYkxx7GbguM',
  argon2idToo: '$argon2id$v=19$m=19456,t=2,p=1$kXjN0iW+xNertr2pOaPuEA$y63c0Mzsva26ad36lc4hbwrZBRU8fcmseQ/ji4c+9IQ',
  argon2idDearer: '$argon2id$v=19$m=65536,t=3,p=4$E4qgOkMIWWw8Kfk38PZpug$GzFo2Id63vzb44AefAKv++VMA39SAByZWWE9Rm9gyrU',
  argon2i: '$argon2i$v=19$m=4096,t=3,p=1$ZNYRc0vMNx/sdTlDqqso1w$ZBK+/64GwCj918pIZ4IX9Bp509avAFonTHDRzTDqWb8',
  bcrypt10: '$2b$10$k2J42pMrWH1EeKmQ7nBTGOK7DP2zBG/YuOtcdypNx.QedLxOVYL0O',
  bcrypt12: '$2b$12$DQKhFuYdZZYUlEG/ZqNypOzz2UUaulClHmqIWovcKS4XwzLTBL.te',
  bcryptOfPhp: '$2y$08$DDMT4g0MGcQqHIBXadMebe2PrjRlgY0jbQmXdE.v6OMakcG3SkI3G',
});
