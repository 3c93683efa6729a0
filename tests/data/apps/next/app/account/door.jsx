"use client";
import { signIn, signOut } from "next-auth/react";
import { useActionState, useEffect, useState } from "react";

export default function Door({ inside, upload }) {
  const [told, action] = useActionState(upload, "");
  const [ready, setReady] = useState(false);
  useEffect(() => setReady(true), []);
  if (!inside)
    return (
      <form onSubmit={(event) => {
        event.preventDefault();
        signIn("credentials", { username: event.target.username.value, password: "open sesame", callbackUrl: "/account" });
      }}>
        <label>Username <input name="username" /></label> <button disabled={!ready}>Enter</button>
      </form>
    );
  return (
    <>
      <form action={action}><label>Picture <input type="file" name="picture" /></label> <button disabled={!ready}>Upload</button></form>
      <output>{told}</output>
      <button onClick={() => signOut({ callbackUrl: "/account" })}>Sign out</button>
    </>
  );
}
