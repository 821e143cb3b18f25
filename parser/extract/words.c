/* The table of words; contract in words.h. */
#include "parser/extract/words.h"

#include <string.h>

#define SLOTS     2048
#define WORDS_MAX 60 /* words looked at in one value: generated class lists get long */

static const struct {
    uint32_t bits;
    const char *words; /* blank-separated */
} table[] = {
    {WORD_NAV,
     "nav navi navbar navigation navbox navheader navfooter navlist navmenu navlinks subnav subnavigation mainnav topnav sidenav "
     "footernav postnav postnavigation menu menus menubar submenu mainmenu topmenu menuitem dropdown breadcrumb breadcrumbs breadcrump crumb "
     "crumbs brotkrumen pathway rootline pager pagination paging pagenav pagelinks skip skiplink skiplinks skipto jumpto toolbar tabs tablist "
     "tabbar catlinks jump languages langswitch languageswitcher interlanguage sitemap topbar tray vertical-navbox navframe "
     "prevnext nextprev previousnext buttons backtotop totop masthead sitenotice mwnavigation mwpanel linkliste"},
    {WORD_SHARE,
     "share shares sharing sharebar sharebox sharebuttons sharethis sharedaddy sharelinks sharetools social socials socialmedia socialbar "
     "sociallinks socialicons socialbuttons sociable addthis addtoany shariff facebook twitter whatsapp pinterest linkedin instagram "
     "tweet xing likebox fblike fb teilen bookmarks bookmark followus follow heateor ssba jpflair"},
    {WORD_COMMENT,
     "comment commenting commentbox commentform commentlink commentsection kommentar disqus livefyre reply replies "
     "respond responses discussion reaction reactions commenter commentcount commentauthor commentbody commenttext reviewform "
     "trackback pingback nocomments"},
    {WORD_COMMENT | WORD_COMMENTS,
     "comments commentlist commentslist kommentare kommentarliste disqusthread commentthread commentarea "
     "commentsarea commentswrapper commentscontainer usercomments lesermeinungen leserkommentare leserbriefe discussionthread"},
    {WORD_RELATED,
     "related relatedposts relatedarticles relatedcontent relatedlinks similar recommended recommend recommendation recommendations recirc "
     "recirculation readmore morefrom moreon morestories morenews morearticles moreposts readnext upnext nextup teaser teasers teaserbox "
     "promo promos promotion promoted promobox popular mostpopular mostread mostviewed trending latest latestnews recent recentposts recentcomments "
     "outbrain taboola zergnet revcontent plista ligatus suggested suggestions suggestion seealso alsoread lesenauch "
     "auchinteressant mehrzumthema weiterlesen verwandte verwandt aehnliche archive archives bestof topstories headlines newsfeed newslist "
     "morelikethis youmaylike youmightlike youmayalsolike furtherreading linkbox linklist infobox sidestory yarpp jprelatedposts crossell crosslinks "
     "crosslink series interlink interlinks pullquote pullquotes pulledquote"},
    {WORD_SIDE,
     "sidebar sidebars sidebox rail rightrail leftrail rightcol rightcolumn rightbar leftbar leftcol leftcolumn sidecol widget widgets "
     "widgetarea aside marginal marginalia seitenleiste complementary blogroll tagcloud infoboxes"},
    {WORD_FOOT,
     "footer foot footers pagefooter sitefooter footerwrap bottombar copyright copyrights legal disclaimer imprint impressum colophon "
     "contentinfo printfooter fusszeile fuss footernotes"},
    {WORD_META,
     "meta postmeta entrymeta articlemeta metadata metainfo byline bylines author authors authorbio authorbox authorinfo aboutauthor "
     "aboutauthors autor autoren autorenbox bio biography posted postedon postedin published publishdate publishingdate publicationdate pubdate date datum dateline datetime timestamp "
     "time tags tag taglist tagged tagcontainer posttags entrytags categories category catlist postcategories kategorie kategorien schlagworte "
     "schlagwort keywords keyword rating ratings stars votes vote voting views viewcount readtime readingtime lesezeit vcard infoline "
     "postinfo articleinfo postdata credits contributor contributors"},
    {WORD_AD,
     "ad ads adv advert adverts advertise advertisement advertisements advertorial advertising adsense adslot adbox adunit adcontainer "
     "adwrapper admanager dfp gpt googlead sponsor sponsored sponsors sponsoring banner banners werbung anzeige anzeigen reklame "
     "affiliate affiliates commercial leaderboard skyscraper billboard doubleclick"},
    {WORD_FORM,
     "newsletter newsletters newslettersignup signup signin login logon loginform register registration subscribe subscription subscriptions "
     "subscribebox optin mailinglist search searchform searchbox searchbar suche suchformular cookie cookies cookiebar cookiebanner "
     "cookienotice consent gdpr dsgvo privacy datenschutz modal popup popover overlay lightbox paywall paygate regwall piano meter donate "
     "donation spenden spende contactform kontaktformular dialog alertdialog tooltip notification notifications toast abo abonnieren feedback survey "
     "poll quiz callout cta calltoaction download downloads appstore playstore button btn zendeskform dialogbox shop cart warenkorb"},
    {WORD_HIDDEN,
     "hidden invisible visuallyhidden sronly screenreader screenreaders screenreadertext screenreaderonly assistive offscreen displaynone dnone uhidden noscript "
     "notloaded printonly onlyprint visibleprint visibleprintblock collapsedtext mobileonly"},
    /* What is clipped, loaded late, or lacks a label of its own, is there. */
    {WORD_SHOWN, "overflowhidden labelhidden lazyhidden"},
    {WORD_CAPTION,
     "caption captions captiontext wpcaption wpcaptiontext figcaption imagecaption imgcaption photocaption thumbcaption bildunterschrift bildunterschriften "
     "bildtext credit imagecredit photocredit photographer copyrightimage gallery slideshow slider carousel galleria imagegallery bildnachweis legende attribution "
     "videocaption mediacaption zoomin lightboxcaption gallerytext"},
    {WORD_TOC, "toc tableofcontents inhaltsverzeichnis contents toctoggle toctree ezToc eztoc"},
    {WORD_EDIT, "editsection mweditsection headerlink permalink anchorlink noprint noprint reference headinganchor edit mwcitebacklink "
                "mwjumplink anchorjs octiconlink hashlink"},
    {WORD_HEAD, "header head kopf pagehead sitehead siteheader pageheader topheader"},
    {WORD_GOOD,
     "article articles artikel content contents inhalt entry post posts postbody story text body main mainbody blog blogpost hentry page beitrag copytext "
     "fulltext richtext prose markdown wysiwyg news lead intro summary abstract standfirst section chapter refentry sect1 sect2 description section "
     "maintext document mainarea column"},
    {WORD_BODY,
     "articlebody articletext articlecontent articlecopy articlemain articlebodytext bodycontent articledetail articlefulltext "
     "entrycontent entrybody entrytext entrysummary postcontent postbody posttext postentry postcopy "
     "storybody storycontent storytext storybodytext newsbody newstext newscontent newsdetail "
     "blogcontent blogpostcontent blogtext bodycopy bodytext mwparseroutput mwcontenttext contenttext contentbody textbody textcontent "
     "artikeltext artikelinhalt beitragstext fliesstext haupttext maintext tdpostcontent fulltext singlecontent "
     "articlesbody pagecontenttext detailtext articlewrap"},
};

static struct slot {
    uint64_t hash;
    uint32_t bits;
} slots[SLOTS];

/* FNV-1a: a hash that can be continued with the next word's letters. */
#define HASH_START 14695981039346656037u
static uint64_t hash_step(uint64_t h, char c)
{
    return (h ^ (unsigned char)c) * 1099511628211u;
}

static struct slot *find(uint64_t hash)
{
    size_t i = (hash ^ hash >> 32) % SLOTS;
    while (slots[i].bits && slots[i].hash != hash) i = (i + 1) % SLOTS;
    return &slots[i];
}

static void fill(void)
{
    for (size_t t = 0; t < sizeof table / sizeof *table; t++) {
        for (const char *p = table[t].words; *p;) {
            uint64_t h = HASH_START;
            for (; *p && *p != ' '; p++) {
                if (*p != '-') h = hash_step(h, *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p);
            }
            struct slot *s = find(h);
            s->hash = h;
            s->bits |= table[t].bits;
            while (*p == ' ') p++;
        }
    }
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_letter(char c)
{
    return is_upper(c) || (c >= 'a' && c <= 'z') || (c & 0x80);
}

/* State words say what a page has, not what an element is: "has-sidebar", "with-comments". */
static bool is_state(struct span word)
{
    static const char *const states[] = {"has", "with", "no", "without", "js", "not", "format", "type", "status"};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (span_is(word, states[i])) return true;
    return false;
}

/* One class name: its words and pairs of neighbouring words. */
static uint32_t words_of_name(const char *p, const char *end, bool *unknown_r)
{
    uint32_t bits = 0;
    uint64_t pair = 0;
    bool first = true;
    while (p < end) {
        while (p < end && !is_letter(*p)) p++;
        const char *from = p;
        uint64_t h = HASH_START;
        uint64_t joined = pair;
        while (p < end && is_letter(*p) && !(p > from && is_upper(*p) && !is_upper(p[-1]))) {
            char c = is_upper(*p) ? (char)(*p + 32) : *p;
            h = hash_step(h, c);
            joined = hash_step(joined, c);
            p++;
        }
        if (p == from) break;
        if (first && p < end && is_state(span_of(from, (size_t)(p - from)))) return 0;
        first = false;
        uint32_t one = find(h)->bits, two = pair ? find(joined)->bits : 0;
        bits |= one | two;
        *unknown_r |= !one && !two;
        pair = h;
    }
    if (bits & WORD_SHOWN) bits &= ~(uint32_t)(WORD_HIDDEN | WORD_SHOWN);
    return bits;
}

uint32_t words_of(struct span value)
{
    static bool filled;
    if (!filled) fill(), filled = true;
    if (!value.p) return 0;
    uint32_t bits = 0;
    bool unknown = false;
    const char *p = value.p, *end = value.p + value.n;
    for (int names = 0; p < end && names < WORDS_MAX; names++) {
        while (p < end && (*p == ' ' || *p == '\t' || *p == '\n')) p++;
        const char *from = p;
        while (p < end && *p != ' ' && *p != '\t' && *p != '\n') p++;
        bits |= words_of_name(from, p, &unknown);
    }
    return bits;
}

uint32_t words_of_id(struct span value)
{
    bool unknown = false;
    words_of(span_of(NULL, 0)); /* fills the table */
    uint32_t bits = value.p ? words_of_name(value.p, value.p + value.n, &unknown) : 0;
    return unknown ? 0 : bits;
}
