"""`--help` of every command: options in groups, a line or two each, and an example."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import click

ASKED, SIZES, LIMITS, PROOF, OUTPUT = "What is asked", "Sizes", "Limits", "Proof", "Output"
GROUPS = (ASKED, SIZES, LIMITS, PROOF, OUTPUT)
GROUP = {  # of an option by its name; of what is not here, ASKED
    **dict.fromkeys(("pages", "clients", "size", "slots", "vcpus", "stride"), SIZES),
    **dict.fromkeys(("max-states", "timeout", "depth", "memory", "reduce", "symmetry", "kernel"), LIMITS),
    **dict.fromkeys(("checkpoint", "jobs", "scheduler", "walks", "seed", "runs", "most"), LIMITS),
    **dict.fromkeys(("explain", "certificate", "proofs", "prove", "ethos", "calculus"), PROOF),
    **dict.fromkeys(("format", "output", "report", "json", "quiet", "verbose", "color", "version"), OUTPUT),
    **dict.fromkeys(("help", "help-all", "port", "traces"), OUTPUT),
}
WIDTH = 100
BESIDE = 30  # columns for the names of options
CHOICES = 28  # columns that choices may take beside the name of their option

Made = Callable[[Callable[..., int]], click.Command]


class Command(click.Command):
    """A command whose `--help` is grouped.

    Args:
        example: command lines that somebody can type.
        brief: name of an option -> what `--help` says of it, and below "" what it says first; all others are told by
            `--help-all`. Where there is none, `--help` tells of all options.
    """

    def __init__(self, *args: Any, example: str = "", brief: Mapping[str, str] | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.example, self.brief = example, brief or {}
        if self.brief:
            told = click.Option(
                ["--help-all"],
                is_flag=True,
                is_eager=True,
                expose_value=False,
                callback=_tell_all,
                help="Tell of all.",
            )
            self.params.append(told)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self.brief and not ctx.meta.get(__name__):
            self._format_brief(ctx, formatter)
        else:
            super().format_help(ctx, formatter)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        grouped: dict[str, list[tuple[str, str]]] = {name: [] for name in GROUPS}
        for param in self.get_params(ctx):
            if isinstance(param, click.Option) and not param.hidden:
                grouped[group(param)].append((names(param), said(param)))
        for title, rows in grouped.items():
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows, col_max=BESIDE)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self.example:
            lines = click.formatting.wrap_text(self.example, formatter.width, "  ", "    ")
            formatter.write(f"\nExample:\n{lines}\n")

    def _format_brief(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The first paragraph, the options that are used most, an example; without blank lines between groups."""
        self.format_usage(ctx, formatter)
        formatter.write_paragraph()
        first = f"{(self.help or '').partition(chr(10) * 2)[0].strip()}\n{self.brief['']}"
        self._lines(first, formatter)
        formatter.write_paragraph()
        shown = {group(p): dict[str, str]() for p in self.get_params(ctx) if name(p) in self.brief}
        for param in self.get_params(ctx):
            if isinstance(param, click.Option) and name(param) in self.brief:
                shown[group(param)][names(param)] = self.brief[name(param)]
        for title in filter(shown.__contains__, GROUPS):
            formatter.write(f"{title}:\n")
            formatter.indent()
            formatter.write_dl([(f"{beside:{BESIDE - 8}}", text) for beside, text in shown[title].items()])
            formatter.dedent()
        last = f"Example: {self.example}\nAll options, in the same groups: {ctx.command_path} --help-all"
        self._lines(last, formatter)

    def _lines(self, text: str, formatter: click.HelpFormatter) -> None:
        for line in text.splitlines():
            formatter.write(f"{click.formatting.wrap_text(line, formatter.width)}\n")


def verb(example: str, brief: Mapping[str, str] | None = None, **settings: Any) -> Made:
    """A command with `-h`, `--help` and an example."""
    context = {"help_option_names": ["-h", "--help"], "max_content_width": WIDTH, **settings}
    return click.command(cls=Command, context_settings=context, example=example, brief=brief)


def _tell_all(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta[__name__] = True
        click.echo(ctx.get_help(), color=ctx.color)
        ctx.exit()


# ---------------------------------------------------------------- one option


def name(param: click.Parameter) -> str:
    """`max-states`."""
    return max(param.opts, key=len).lstrip("-")


def group(param: click.Parameter) -> str:
    """One of GROUPS."""
    return GROUP.get(name(param), ASKED)


def names(param: click.Option) -> str:
    """`-o, --output FILE`."""
    spelled = ", ".join(sorted(param.opts, key=len))
    if param.secondary_opts:
        spelled += f" / {', '.join(param.secondary_opts)}"
    return f"{spelled} {metavar(param)}".rstrip()


def metavar(param: click.Option) -> str:
    """What stands for the value: `N`, `FILE`, `[text|json]`."""
    if param.is_flag or param.count:
        return ""
    if param.metavar:
        return param.metavar
    if isinstance(param.type, click.Choice):
        choices = "|".join(map(str, param.type.choices))
        return f"[{choices}]" if len(choices) <= CHOICES else "NAME"
    if isinstance(param.type, (click.types.IntParamType, click.types.FloatParamType)):
        return "N"
    return "FILE" if isinstance(param.type, click.Path) else param.type.name.upper()


def said(param: click.Option) -> str:
    """The help, the choices that did not fit beside the name, the default."""
    return " ".join(_said(param))


def _said(param: click.Option) -> Iterator[str]:
    if param.help:
        yield param.help
    if isinstance(param.type, click.Choice) and metavar(param) == "NAME":
        yield f"One of {', '.join(map(str, param.type.choices))}."
    if param.show_default and not param.is_flag and param.default not in (None, "", ()):
        default = param.default
        yield f" [default: {f'{default:g}' if isinstance(default, float) else default}]"
