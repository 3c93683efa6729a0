export default function About() {
  return (
    <>
      <h1>About the shop</h1>
      <iframe title="Meeting" width="400" height="300" src="https://calendly.com/callkom/30min" />
    </>
  );
}
