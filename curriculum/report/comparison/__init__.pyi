from .export import as_csv as as_csv
from .export import as_json as as_json
from .figures import history_figures as history_figures
from .html import html_report as html_report
from .table import print_comparison as print_comparison
from .text import conditions as conditions
from .text import headline as headline
