<?php
// Makes the database and what WordPress wants in it: `php install.php`.
$database = new mysqli('localhost', 'root', '', null, null, getenv('DATABASE_SOCKET'));
$database->query('CREATE DATABASE wordpress');
define('WP_INSTALLING', true);
$_SERVER['HTTP_HOST'] = 'callkom.io';
require __DIR__ . '/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
wp_install('Journal', 'ada', 'ada@example.com', true, '', 'open sesame');
update_option('template', 'twentytwentythree');
update_option('stylesheet', 'twentytwentythree');
$seen = ['core/edit-post' => ['welcomeGuide' => false], '_modified' => gmdate('c')];
update_user_meta(1, 'wp_persisted_preferences', $seen);
