import { Suspense } from "react";
import Counter from "./counter";

export const dynamic = "force-dynamic";

async function Late() {
  await new Promise((resolve) => setTimeout(resolve, 300));
  return <p>Streamed late</p>;
}

export default function Home() {
  return (
    <>
      <h1>Home of the shop</h1>
      <Counter />
      <Suspense fallback={<p>Loading</p>}><Late /></Suspense>
    </>
  );
}
