"use server";

export async function upload(_, form) {
  return `${(await form.get("picture").arrayBuffer()).byteLength} bytes arrived`;
}
