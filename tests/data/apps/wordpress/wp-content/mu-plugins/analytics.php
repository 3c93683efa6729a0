<?php
// What an analytics plugin adds to the public pages.
add_action('wp_head', function () {
    echo '<script async src="https://www.googletagmanager.com/gtag/js?id=G-1"></script>';
    echo "<script>window.dataLayer=window.dataLayer||[];function gtag(){dataLayer.push(arguments)}gtag('js',new Date());gtag('config','G-1');</script>";
});
