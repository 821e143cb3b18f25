/* Names of MediaWiki's namespaces that hold no articles. Data, made from the files languages/messages/Messages*.php of MediaWiki 1.39
 * ($namespaceNames, $namespaceAliases, $namespaceGenderAliases) for 75 languages: Media, Special, User, File, MediaWiki,
 * Template and every talk namespace; and the software's own Module, Gadget and TimedText. In lower case, blanks for underscores,
 * sorted by bytes. */
#include "writer/wiki.h"

/* clang-format off */
const char *const wiki_names[] = {
    "afbeelding", "andoza", "användardiskussion", "användare", "aparteko", "aptarimas", "arbennig", "archivo", "arquivo", "arutelu",
    "attēls", "aŭdvidaĵo", "bantuan pembicaraan", "beeld", "beeldbespreking", "benotzer", "benutzer", "benutzerin", "berezi", "berkas",
    "bespreking", "bestand", "bicara", "bicara pengguna", "bild", "bilddiskussion", "bilde", "bildediskusjon", "billeddiskussion",
    "billede", "bruger", "brugerdiskussion", "brukar", "brukardiskusjon", "bruker", "brukerdiskusjon", "bản mẫu", "conversa", "dalībniece",
    "dalībnieks", "datei", "datoteka", "defnyddiwr", "delwedd", "discusión", "discussion", "discussione", "discussió", "discussão",
    "discuter", "discuţie", "discuție", "diskuse", "diskuse ke kategorii", "diskuse s uživatelem", "diskuse s uživatelkou", "diskusia",
    "diskusia ku kategórii", "diskusia s redaktorom", "diskusia s užívateľkou", "diskusia s užívateľom", "diskusija", "diskusjon",
    "diskussion", "diskussioun", "diskutim", "diskuto", "disputatio", "dosiero", "dosya", "dyskusja", "eri", "especial", "eztabaida",
    "fail", "faili", "fasciculus", "fayl", "female user", "ficheiro", "fichier", "figura", "fil", "fildiskusjon", "fildiskussion", "file",
    "filpeikar", "fitxategi", "fitxer", "fişier", "fișier", "flokkaspjall", "format", "formula", "foydalanuvchi", "fájl", "fájlvita",
    "gadget", "gambar", "gambar pembicaraan", "gebruiker", "gebruikerbespreking", "grafika", "hjelpdiskusjon", "hjálparspjall",
    "hjälpdiskussion", "hulpbespreking", "hình", "image", "imagem", "imagen", "imagine", "imago", "imatge", "imaxe", "imej",
    "imej perbualan", "immagine", "irudi", "istimewa", "i̇stifadəçi", "järjestelmäviesti", "kasutaja", "kategori pembicaraan",
    "kategoridiskusjon", "kategoridiskussion", "kategoriebespreking", "kategória vita", "kategóriavita", "kerfissíða", "keskustelu", "khas",
    "kigezo", "korisnik", "kullanıcı", "kullanıcı mesaj", "kuva", "käyttäjä", "kép", "kép vita", "képvita", "lankide", "lietotājs", "lêer",
    "lêerbespreking", "maalum", "majadiliano", "majadiliano faili", "mal", "maldiskusjon", "male user", "mall", "malldiskussion", "malline",
    "maxsus", "media", "mediaviki", "mediavikio", "mediawici", "mediawiki", "mediawiki pembicaraan", "mediawiki perbualan",
    "mediawiki razgovor", "mediawiki vita", "mediawikibespreking", "mediawiki討論", "mediawiki讨论", "mediawiki토론", "medij", "medija",
    "medijaviki", "mediji", "medio", "medium", "mediya", "mediyaviki", "medya", "medyaviki", "meedia", "melding", "meldingarspjall", "meán",
    "midya", "miðill", "modelo", "module", "modèle", "mtumiaji", "multimédia", "munozara", "mynd", "myndaspjall", "média", "médiá", "múnla",
    "müzakirə", "natatangi", "naudotoja", "naudotojas", "nodyn", "notandaspjall", "notandi", "obrázok", "ortam", "overleg", "padron",
    "pembicaraan", "pengguna", "perbincangan", "perbualan", "perdoruesi", "phương tiện", "picha", "pilt", "plantilla", "plik", "plé",
    "pogovor", "posebno", "predefinição", "predloga", "predložak", "përdoruesi", "përdoruesja", "razgovor", "redaktor", "resim", "sablon",
    "sablon vita", "sablonvita", "schabloun", "segítség vita", "segítségvita", "sgwrs", "shablon", "sjabloon", "sjabloonbespreking",
    "skabelon", "skabelondiskussion", "skeda", "slika", "snið", "sniðaspjall", "soubor", "speciaal", "special", "speciala", "specialaĵo",
    "speciale", "specialis", "specialus", "speciel", "speciális", "speciální", "specjalna", "speisialta", "spesiaal", "spesial", "spezial",
    "spjall", "spécial", "stampa", "suleras", "suradnica", "suradnik", "szablon", "szerkesztő", "szerkesztővita", "súbor", "tagagamit",
    "talaksan", "talk", "tartışma", "tasvir", "teimpléad", "templat", "templat pembicaraan", "template", "thành viên", "thảo luận",
    "tiedosto", "timedtext", "tiêu bản", "toiminnot", "txantiloi", "tập tin", "uporabnik", "uporabniški pogovor", "usapan", "user",
    "user vita", "usor", "usuari", "usuaria", "usuario", "usuària", "usuário", "utente", "utilisateur", "utilisatrice", "utilizador",
    "utilizadora", "utilizator", "uzantino", "uzanto", "uzulo", "użytkowniczka", "użytkownik", "uživatel", "uživatelka", "užívateľ",
    "užívateľka", "vaizdas", "veidne", "vikipediisto", "vita", "vorlage", "xüsusi", "íomhá", "özel", "úsáideoir", "đặc biệt", "ŝablono",
    "şablon", "şəkil", "šablon", "šablona", "šablonas", "šablóna", "špeciálne", "αρχείο", "ειδικό", "εικόνα", "μέσο", "μέσον", "πρότυπο",
    "συζήτηση", "χρήστης", "адмысловае", "беседа", "выява", "датотека", "зображення", "изображение", "картинка", "корисник", "користувач",
    "користувачка", "медиа", "медиум", "медия", "медияуики", "медиј", "медија", "медијавики", "медіа", "мультымедыя", "обговорення",
    "обсуждение", "податотека", "посебно", "потребител", "предлошка", "разговор", "разговор са корисником", "разговор со корисник",
    "размовы", "размовы з удзельнікам", "слика", "служебная", "специални", "специјална", "специјални", "спеціальна", "спеціальні",
    "удзельнік", "участник", "участница", "файл", "шаблон", "կաղապար", "մասնակից", "մեդիա", "պատկեր", "սպասարկող", "քննարկում", "מדיה",
    "מדיה ויקי", "מיוחד", "משתמש", "משתמשת", "קובץ", "שיחה", "תבנית", "תמונה", "الگو", "بحث", "تبادلۂ خیال", "تصویر", "خاص", "رسانه",
    "رسانه‌ای", "زریعہ", "سانچہ", "صارف", "صورة", "فائل", "قالب", "مدیا", "مدیاویکی", "مستخدم", "مستخدمة", "ملف", "ميديا", "ميدياويكي",
    "میڈیا", "میڈیاوکی", "میڈیاویکی", "نقاش", "وسائط", "وسیط", "ویژه", "پرونده", "کاربر", "चर्चा", "चित्र", "मिडिया", "मिडियाविकी",
    "मीडिया", "मीडियाविकि", "वार्ता", "विशेष", "सदस्य", "साँचा", "साचा", "আলাপ", "চিত্র", "টেমপ্লেট", "বিশেষ", "ব্যবহারকারী", "মিডিয়া",
    "মিডিয়াউইকি", "ஊடகம்", "சிறப்பு", "படிமம்", "பயனர்", "பேச்சு", "மீடியாவிக்கி", "வார்ப்புரு", "చర్చ", "దస్త్రం", "ప్రత్యేక", "ఫైలు",
    "బొమ్మ", "మీడియా", "మీడియావికీ", "మూస", "వాడుకరి", "సభ్యుడు", "సభ్యులు", "അംഗം", "ഉ", "ഉപയോക്താവ്", "ഉസം", "ചി", "ചിത്രം", "ചിസം",
    "പ്ര", "പ്രത്യേ", "പ്രത്യേകം", "പ്രമാണം", "പ്രസം", "ഫ", "ഫലകം", "ഫസം", "മീ", "മീഡിയ", "മീഡിയവിക്കി", "മീസം", "വസം", "വിസം", "സം",
    "സംവാദം", "സസം", "คุยกับผู้ใช้", "คุยเรื่องภาพ", "คุยเรื่องมีเดียวิกิ", "คุยเรื่องวิธีใช้", "คุยเรื่องหมวดหมู่", "คุยเรื่องแม่แบบ",
    "คุยเรื่องไฟล์", "ผู้ใช้", "พิเศษ", "พูดคุย", "ภาพ", "มีเดียวิกิ", "สื่อ", "แม่แบบ", "ไฟล์", "განხილვა", "თარგი", "მედია", "მედიავიკი",
    "მომხმარებელი", "მონაწილე", "სპეციალური", "სურათი", "ფაილი", "テンプレート", "トーク", "ノート", "ファイル", "メディア", "专案讨论", "使用者", "使用者对话", "使用者對話",
    "使用者討論", "使用者讨论", "使用說明討論", "使用说明讨论", "分类对话", "分类讨论", "分類對話", "分類討論", "利用者", "利用者‐会話", "图像", "图像对话", "图像讨论", "图片", "图片讨论", "圖像", "圖像對話",
    "圖像討論", "圖片", "圖片討論", "媒体", "媒体文件", "媒体档案", "媒體", "媒體文件", "媒體檔案", "对话", "專案討論", "對話", "帮助对话", "帮助讨论", "幫助對話", "幫助討論", "文件", "文件对话",
    "文件對話", "文件討論", "文件讨论", "样板", "样板对话", "样板讨论", "档案", "档案对话", "档案讨论", "模板", "模板对话", "模板對話", "模板討論", "模板讨论", "樣板", "樣板對話", "樣板討論", "檔案",
    "檔案對話", "檔案討論", "特別", "特殊", "用戶", "用戶對話", "用戶討論", "用户", "用户对话", "用户讨论", "画像", "討論", "說明討論", "讨论", "说明讨论", "그림", "그림토론", "도움말토론", "미디어",
    "미디어위키", "미디어위키토론", "분류토론", "사용자", "사용자토론", "토론", "특", "특수", "특수기능", "틀", "틀토론", "파일", "파일토론",
};

const size_t wiki_name_count = sizeof wiki_names / sizeof *wiki_names;

/* Talk of a project or of a namespace of its own: "Wikipedia talk", "Portal talk", "Обсуждение Википедии". */
const char *const wiki_talk_ends[] = {
    " aptarimas", " arutelu", " discusión", " discussió", " discussão", " diskuse", " diskusija", " diskussion", " diskussioun",
    " diskutim", " diskuto", " eztabaida", " majadiliano", " munozarasi", " müzakirəsi", " talk", " tartışma", " συζήτηση", " беседа",
    " размовы", " քննարկում", " चर्चा", " वार्ता", " আলাপ", " আলোচনা", " பேச்சு", " చర్చ", " സംവാദം", " განხილვა", "-diskusjon",
    "-diskussion", "-diskuto", "-vita", "‐ノート", "・トーク",
    NULL,
};

const char *const wiki_talk_begins[] = {
    "conversa ", "discussion ", "discussioni ", "discuţie ", "discuție ", "diskuse k ", "diskusia k ", "disputatio ", "dyskusja ",
    "keskustelu ", "majadiliano ya ", "overleg ", "pembicaraan ", "perbincangan ", "perbualan ", "plé ", "pogovor ", "razgovor ",
    "razgovor o ", "razgovor s ", "sgwrs ", "thảo luận ", "usapang ", "συζήτηση ", "обговорення ", "обсуждение ", "разговор за ",
    "разговор о ", "размовы пра ", "שיחת ", "بحث ", "تبادلۂ خیال ", "نقاش ",
    NULL,
};
