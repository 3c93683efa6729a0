import Credentials from "next-auth/providers/credentials";

export const options = {
  secret: "a key of the test's own",
  providers: [
    Credentials({
      credentials: { username: {}, password: {} },
      authorize: async ({ username, password }) => (password === "open sesame" ? { id: "1", name: username } : null),
    }),
  ],
};
