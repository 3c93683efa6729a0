import { getServerSession } from "next-auth";
import { options } from "../auth";
import Door from "./door";
import { upload } from "./upload";

export const dynamic = "force-dynamic";

export default async function Account() {
  const session = await getServerSession(options);
  return (
    <>
      <h1>{session ? `Account of ${session.user.name}` : "Nobody is signed in"}</h1>
      <Door inside={!!session} upload={upload} />
    </>
  );
}
