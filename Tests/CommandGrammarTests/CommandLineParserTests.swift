import CommandGrammar
import Testing

private let verb = CommandVerb(
    "create", .runtime, "Make a container", operands: .container,
    options: [
        CommandOption("bundle", "b", value: "DIR", "where config.json is"),
        CommandOption("no-pivot", "do not use pivot_root"),
        CommandOption("interactive", "i", "keep standard input open"),
        CommandOption("tty", "t", "a terminal"),
        CommandOption("env", "e", value: "NAME=VALUE", "a variable"),
    ])
private let run = CommandVerb(
    "run", .engine, "Run an image",
    operands: CommandOperands("IMAGE [ARG...]", 1, nil, commandStartsAfter: 1),
    options: verb.options)

@Suite struct CommandLineParserTests {
    @Test(arguments: [
        ["--bundle", "/b", "web"], ["--bundle=/b", "web"], ["-b", "/b", "web"], ["-b/b", "web"],
        ["-b=/b", "web"],
        ["web", "--bundle", "/b"], ["web", "-b", "/b"], ["--bundle", "/b", "--", "web"],
    ])
    func `every spelling of an option with a value is the same (CLI-1)`(arguments: [String]) throws {
        let parsed = try CommandLineParser(verb).parseAll(arguments)
        #expect(parsed.value("bundle") == "/b")
        #expect(parsed.words == ["web"])
    }

    @Test func `short switches cluster and the last may take a value`() throws {
        let parsed = try CommandLineParser(verb).parseAll(["-ite", "A=b=c", "x"])
        #expect(parsed.isSet("interactive"))
        #expect(parsed.isSet("tty"))
        #expect(parsed.values("env") == ["A=b=c"])
    }

    @Test func `repeated options keep their order and the last value wins`() throws {
        let parsed = try CommandLineParser(verb).parseAll(["-e", "A=1", "--env=A=2", "x"])
        #expect(parsed.values("env") == ["A=1", "A=2"])
        #expect(parsed.value("env") == "A=2")
    }

    @Test func `options after the image belong to the program`() throws {
        let parsed = try CommandLineParser(run).parseAll(["-t", "busybox", "ls", "-i", "--", "--bundle"])
        #expect(parsed.words == ["busybox", "ls", "-i", "--", "--bundle"])
        #expect(parsed.isSet("tty"))
        #expect(!parsed.isSet("interactive"))
    }

    @Test func `a switch can be turned off`() throws {
        #expect(!(try CommandLineParser(verb).parseAll(["--tty=false", "x"]).isSet("tty")))
        #expect(!(try CommandLineParser(verb).parseAll(["--tty", "--tty=0", "x"]).isSet("tty")))
    }

    @Test func `options before the verb end at the first word`() throws {
        let globals = [CommandOption("root", value: "DIR", "state"), CommandOption("debug", "more output")]
        let parsed = try CommandLineParser(globals: globals)
            .parse(["--root", "/r", "--debug", "create", "--bundle", "/b"])
        #expect(parsed.consumed == 3)
        #expect(parsed.value("root") == "/r")
        #expect(parsed.words.isEmpty)
    }

    @Test(arguments: [
        (["--nope", "x"], "unknown option --nope"), (["-z", "x"], "unknown option -z"),
        (["--bundle"], "option --bundle needs a value"), (["-b"], "option -b needs a value"),
        ([], "missing argument: expected CONTAINER"),
        (["a", "b"], "too many arguments: 'b' (expected CONTAINER)"),
        (["--tty=maybe", "x"], "option --tty is true or false, not 'maybe'"),
    ])
    func `a command line that does not fit is refused with one line`(arguments: [String], text: String) {
        let error = #expect(throws: UsageError.self) { try CommandLineParser(verb).parseAll(arguments) }
        #expect(error?.description == text)
    }

    @Test func `a lone dash is a word`() throws {
        #expect(try CommandLineParser(verb).parseAll(["-"]).words == ["-"])
    }
}

@Suite struct HelpTextTests {
    private let help = HelpText(program: "skiff", summary: "containers", globals: [])

    @Test func `a page shows usage, summary and every option that is not hidden`() {
        let page = help.page(for: verb)
        #expect(page.hasPrefix("Usage: skiff create [OPTIONS] CONTAINER\n\nMake a container.\n"))
        for option in verb.options { #expect(page.contains(option.spelling)) }
    }

    @Test func `hidden options and verbs are accepted but not shown`() {
        let hidden = CommandVerb(
            "old", .other, "Old", operands: .none, options: [CommandOption("x-old", "old", hidden: true)],
            hidden: true)
        #expect(!help.page(for: hidden).contains("x-old"))
        #expect(!help.overview(of: [hidden, verb]).contains("old"))
        #expect(throws: Never.self) { try CommandLineParser(hidden).parseAll(["--x-old"]) }
    }

    @Test func `the bash completion names every verb and option`() {
        let script = help.bashCompletion(of: [verb])
        #expect(script.contains("create)"))
        #expect(script.contains("--no-pivot"))
    }

    @Test func `the manual page shows what is not hidden, and no text becomes a request`() {
        let page = ManualPage(
            version: "1.2", date: "2026-01-31",
            before: [
                ManualPage.Section("DESCRIPTION", ".dots and \\ slashes\n\n    an example\n\nterm\tits text")
            ],
            after: [])
        let hidden = CommandVerb("old", .other, "Old", operands: .none, hidden: true)
        let text = help.manual(of: [verb, hidden], page)
        #expect(text.contains(".TH SKIFF 1 2026-01-31 \"skiff 1.2\"\n"))
        #expect(text.contains("\n\\&.dots and \\e slashes\n"))
        #expect(text.contains("\n.PP\n.EX\n    an example\n.EE\n.TP\n"))
        #expect(text.contains("\n.TP\n\\fBterm\\fR\nits text\n"))
        #expect(text.contains("\n.SS skiff create [OPTIONS] CONTAINER\nMake a container.\n"))
        #expect(text.contains("\n.TP\n\\fB\\-b, \\-\\-bundle\\fR \\fIDIR\\fR\nwhere config.json is.\n"))
        #expect(!text.contains("SS skiff old"))
    }
}

@Suite struct SpellingTests {
    @Test(arguments: [
        ["-bundle", "/b", "web"], ["-bundle=/b", "web"], ["web", "-bundle", "/b"], ["-b", "/b", "web"],
    ])
    func `long names may have one dash where that is asked for`(arguments: [String]) throws {
        let parsed = try CommandLineParser(verb, spelling: .oneDash).parseAll(arguments)
        #expect(parsed.value("bundle") == "/b")
        #expect(parsed.words == ["web"])
        // Elsewhere it is a cluster of letters.
        #expect(try CommandLineParser(verb).parseAll(["-bundle", "web"]).value("bundle") == "undle")
    }

    @Test func `long names may be shortened where that is asked for`() throws {
        let parsed = try CommandLineParser(verb, spelling: .abbreviations).parseAll([
            "--bun", "/b", "--no=1", "x",
        ])
        #expect(parsed.value("bundle") == "/b")
        #expect(parsed.isSet("no-pivot"))
        #expect(throws: UsageError.self) { try CommandLineParser(verb).parseAll(["--bun", "/b", "x"]) }
    }

    @Test func `a beginning that several names share is refused`() throws {
        let error = #expect(throws: UsageError.self) {
            let options = [
                CommandOption("log", value: "FILE", "a"), CommandOption("log-format", value: "F", "b"),
            ]
            let parser = CommandLineParser(globals: options, spelling: .abbreviations)
            #expect(try parser.parse(["--log", "x"]).value("log") == "x")
            _ = try parser.parse(["--lo", "x"])
        }
        #expect(error?.description == "option --lo is ambiguous")
        #expect(error?.isAboutOption == true)
    }

    @Test func `an error keeps its kind when it is said of something`() {
        var error = UsageError("unknown command 'x'")
        error.isUnknownCommand = true
        let longer = error.prefixed(with: "run: ")
        #expect(longer.description == "run: unknown command 'x'")
        #expect(longer.isUnknownCommand)
        #expect(!longer.isAboutOption)
    }
}
