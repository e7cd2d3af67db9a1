"""Mail providers anybody can have an address at, so that a shared domain says nothing.

A list ages; ``roster.private_domains`` therefore also takes a domain for public when it is common, and for private only
when its accounts pay from few cards.
"""

from __future__ import annotations

FREEMAIL_DOMAINS = frozenset(
    ["gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com", "yahoo.com", "ymail.com", "rocketmail.com", "aol.com", "icloud.com", "me.com", "mac.com", "proton.me", "protonmail.com", "pm.me", "gmx.com", "gmx.de", "gmx.net", "web.de", "t-online.de", "mail.com", "zoho.com", "fastmail.com", "tutanota.com", "tuta.io", "yandex.ru", "yandex.com", "ya.ru", "mail.ru", "bk.ru", "inbox.ru", "list.ru", "rambler.ru", "qq.com", "163.com", "126.com", "sina.com", "sohu.com", "foxmail.com", "aliyun.com", "naver.com", "daum.net", "hanmail.net", "kakao.com", "orange.fr", "free.fr", "laposte.net", "wanadoo.fr", "sfr.fr", "libero.it", "virgilio.it", "tiscali.it", "alice.it", "terra.com.br", "uol.com.br", "bol.com.br", "ig.com.br", "hotmail.co.uk", "yahoo.co.uk", "yahoo.co.in", "yahoo.co.jp", "yahoo.fr", "yahoo.de", "yahoo.com.br", "hotmail.fr", "hotmail.de", "outlook.fr", "outlook.de", "outlook.jp", "live.co.uk", "btinternet.com", "sky.com", "comcast.net", "verizon.net", "att.net", "bellsouth.net", "cox.net", "rediffmail.com", "seznam.cz", "wp.pl", "o2.pl", "onet.pl", "interia.pl", "abv.bg", "ukr.net", "hey.com", "duck.com", "docomo.ne.jp", "ezweb.ne.jp", "softbank.ne.jp", "bigpond.com", "optusnet.com.au", "telstra.com", "shaw.ca", "rogers.com", "sympatico.ca"]
)
