import Script from "next/script";
import Link from "next/link";

export const metadata = { title: "Next shop" };

const TAG_MANAGER = `(function(w,d,s,l,i){w[l]=w[l]||[];w[l].push({'gtm.start':
new Date().getTime(),event:'gtm.js'});var f=d.getElementsByTagName(s)[0],
j=d.createElement(s),dl=l!='dataLayer'?'&l='+l:'';j.async=true;j.src=
'https://www.googletagmanager.com/gtm.js?id='+i+dl;f.parentNode.insertBefore(j,f);
})(window,document,'script','dataLayer','GTM-ABC123');`;

export default function Layout({ children }) {
  return (
    <html lang="en">
      <body>
        <Script id="gtm" strategy="afterInteractive">{TAG_MANAGER}</Script>
        <Script src="https://js-eu1.hs-scripts.com/123456.js" id="hs-script-loader" strategy="afterInteractive" />
        <header><nav><Link href="/">Home</Link> <Link href="/about">About</Link> <Link href="/account">Account</Link></nav></header>
        <main>{children}</main>
      </body>
    </html>
  );
}
