"use client";
import { useEffect, useState } from "react";

export default function Counter() {
  const [count, setCount] = useState(0);
  const [ready, setReady] = useState(false);
  useEffect(() => setReady(true), []);
  return <button onClick={() => setCount(count + 1)}>{ready ? `Clicked ${count}` : "Not ready"}</button>;
}
