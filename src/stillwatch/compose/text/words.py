"""Word stock of the grammar: topics, things, people, places. Our own wording throughout."""

from __future__ import annotations

TOPICS = (
    "sourdough bread", "tax returns", "bicycle maintenance", "photosynthesis", "the French Revolution", "kubernetes networking",
    "garden composting", "interest rates", "knee rehabilitation", "wedding speeches", "chess openings", "solar panels",
    "black holes", "cover letters", "toddler sleep", "guitar chords", "inflation", "hiking in the Alps", "contract law",
    "machine translation", "migraine triggers", "cat behaviour", "medieval trade", "coral reefs", "regular expressions",
    "budget planning", "river ecology", "public speaking", "type systems", "probability", "volcanoes", "jazz harmony",
    "lease agreements", "vaccines", "database indexes", "marathon training", "stoicism", "supply chains", "watercolour",
    "customer churn", "insulation", "Roman aqueducts", "job interviews", "protein folding", "queueing theory", "beekeeping",
    "mortgages", "Italian grammar", "battery chemistry", "anxiety", "email marketing", "plumbing", "tides", "elections",
    "gradient descent", "home brewing", "divorce", "cloud costs", "poetry metre", "bond yields", "dog training", "sewing",
    "ocean currents", "onboarding", "caching", "thermodynamics", "podcasts", "urban planning", "allergies", "freelancing",
    "compilers", "genealogy", "woodworking", "typography", "earthquakes", "negotiation", "telescopes", "pensions", "yoga",
    "cryptography", "school lunches", "quantum computing", "dialects", "heat pumps", "sleep apnoea", "board games", "visas",
)  # fmt: skip
PEOPLE = ("Ana", "Ben", "Chidi", "Dora", "Emil", "Farah", "Goran", "Hana", "Ivo", "Jun", "Kofi", "Lena", "Marek", "Nadia",
          "Oskar", "Priya", "Rosa", "Sven", "Tomas", "Uma", "Vera", "Wen", "Yara", "Zoe")  # fmt: skip
GOODS = ("apples", "tickets", "notebooks", "marbles", "tiles", "candles", "eggs", "coins", "stickers", "bolts", "cups",
         "lamps", "seeds", "shirts", "batteries", "postcards", "bricks", "pencils", "bags of rice", "boxes")  # fmt: skip
PLACES = ("Lisbon", "Osaka", "Accra", "Leeds", "Porto", "Austin", "Lyon", "Graz", "Lima", "Pune", "Oslo", "Bergen", "Turin",
          "Cork", "Quito", "Ghent", "Izmir", "Perth", "Malmo", "Krakow", "Boise", "Hanoi")  # fmt: skip
ROLES = ("my manager", "a landlord", "my sister", "a client", "our investors", "a ten year old", "the whole team", "my professor",
         "new hires", "a recruiter", "the neighbours", "my doctor", "a supplier", "the board")  # fmt: skip
LANGS = ("python", "typescript", "go", "rust", "java", "sql", "c++", "bash", "kotlin", "php", "ruby", "swift")
THINGS = ("binary tree", "linked list", "queue", "matrix", "csv file", "json document", "log file", "priority queue", "graph",
          "string", "date range", "cache", "bitmap", "interval list", "hash map", "stream of events", "sparse vector",
          "shopping cart", "rate limiter", "parser", "config file", "user table", "calendar", "playlist")  # fmt: skip
OPERATIONS = ("reverse", "merge", "flatten", "validate", "deduplicate", "sort", "serialise", "paginate", "compress", "diff",
              "sample", "group", "index", "split", "rotate", "balance", "search", "normalise", "batch", "retry on")  # fmt: skip
CONSTRAINTS = ("without recursion", "in linear time", "using constant memory", "with unit tests", "with type hints",
               "handling empty input", "that is thread safe", "without external libraries", "in a functional style",
               "for very large inputs", "and explain the complexity", "with clear error messages")  # fmt: skip
FIELDS = ("physics", "biology", "contract law", "microeconomics", "organic chemistry", "geography", "statistics", "nutrition",
          "history of art", "linguistics", "astronomy", "networking", "ethics", "accounting", "geology", "psychology")  # fmt: skip
PRODUCTS = ("blender", "phone case", "running shoes", "desk lamp", "suitcase", "headphones", "coffee grinder", "tent", "keyboard",
            "rain jacket", "water bottle", "office chair", "webcam", "backpack", "kettle", "monitor arm")  # fmt: skip
MOODS = ("broke after two weeks", "works better than I hoped", "arrived late", "is far too loud", "fits perfectly",
         "smells odd but is fine", "was not as pictured", "is great value", "stopped charging", "my kids love it",
         "has a confusing manual", "the seller never answered", "looks cheap", "is exactly right")  # fmt: skip
FILES = ("src/app/router", "lib/cache", "pkg/store/index", "core/parser", "web/forms/login", "services/billing", "jobs/nightly",
         "api/handlers/user", "cmd/sync/main", "ui/table", "models/order", "tests/test_auth", "infra/deploy", "db/migrate")  # fmt: skip
SYMBOLS = ("resolve_path", "fetchAll", "Session.close", "parseRow", "retry_policy", "build_index", "toMoney", "hydrate",
           "validateInput", "open_pool", "on_message", "flush_queue", "renderRow", "load_settings")  # fmt: skip
SENSITIVE = ("the dam resettlement", "the strike at the port", "the banned newspaper", "the disputed border", "the police inquiry",
             "the election delay", "the protest at the square", "the censored film", "the minister's estate", "the language law",
             "the prison report", "the land seizures", "the missing funds", "the opposition leader", "the curfew",
             "the internet shutdown", "the mine disaster", "the pardon", "the secret treaty", "the closed schools")  # fmt: skip
COUNTRIES = ("a coastal state", "the northern republic", "an island nation", "the neighbouring country", "the federation",
             "the kingdom", "a former colony", "the capital region", "the eastern province", "the border district")  # fmt: skip
SCREENS = ("settings page", "checkout form", "file manager", "calendar view", "spreadsheet", "login dialog", "map view",
           "booking site", "terminal window", "photo editor", "issue tracker", "mail client", "admin panel")  # fmt: skip
SCENES = ("a market stall", "two dogs on a beach", "a crowded tram", "a kitchen counter", "a chart with three lines",
          "a handwritten note", "a street sign", "a circuit board", "a floor plan", "a receipt", "an x-ray", "a football match",
          "a shop window", "a bar chart", "a whiteboard", "a bird on a fence", "a parking meter", "a recipe card")  # fmt: skip
TOOLS = ("search_web", "get_weather", "read_file", "write_file", "run_shell", "send_email", "query_database", "create_event",
         "list_files", "convert_currency", "track_parcel", "book_table", "fetch_url", "edit_file", "get_stock", "translate",
         "create_ticket", "apply_patch", "screenshot", "click", "type_text", "find_flights", "get_user", "update_row",
         "spawn_agent", "wait_agent", "run_python", "plot", "lookup_order", "refund_order", "geocode", "ocr_page")  # fmt: skip
AGENT_TOOLS = ("read_file", "write_file", "edit_file", "run_shell", "list_files", "search_web", "apply_patch")
SCREEN_TOOLS = ("screenshot", "click", "type_text", "wait_agent")
