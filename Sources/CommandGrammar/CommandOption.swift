/// One option of a command: how it is spelled, whether it takes a value, and what it does.
package struct CommandOption: Sendable, Equatable {
    /// What may follow the name of an option.
    package enum Argument: Sendable, Equatable {
        /// A switch: present or absent; `--name=true` and `--name=false` are accepted too.
        case none
        /// A value that must be given, shown under this name in the help text.
        case value(String)
    }

    /// Long name without dashes.
    package let name: String
    /// One-letter form, if there is one.
    package let short: Character?
    /// Whether a value follows.
    package let argument: Argument
    /// One sentence for the help text.
    package let summary: String
    /// Accepted, but not shown: old or internal spellings.
    package let isHidden: Bool

    /// An option with a one-letter form; options without `value` are switches.
    package init(
        _ name: String, _ short: Character?, value: String? = nil, _ summary: String, hidden: Bool = false
    ) {
        self.name = name
        self.short = short
        self.argument = value.map(Argument.value) ?? .none
        self.summary = summary
        self.isHidden = hidden
    }

    /// An option without a one-letter form; options without `value` are switches.
    package init(_ name: String, value: String? = nil, _ summary: String, hidden: Bool = false) {
        self.init(name, nil, value: value, summary, hidden: hidden)
    }

    /// `-b, --bundle DIR`, as help and manual show it.
    package var spelling: String {
        let start = short.map { "-\($0), " } ?? ""
        guard case .value(let placeholder) = argument else { return "\(start)--\(name)" }
        return "\(start)--\(name) \(placeholder)"
    }
}

/// The words of a command that are not options.
package struct CommandOperands: Sendable, Equatable {
    /// As shown in the usage line, such as `CONTAINER [SIGNAL]`.
    package let usage: String
    /// Fewest words.
    package let minimum: Int
    /// Most words; nil means any number.
    package let maximum: Int?
    /// After that many words all the rest is taken as it is (a program and its arguments), options included.
    package let commandStartsAfter: Int?

    /// Words between `minimum` and `maximum`.
    package init(_ usage: String, _ minimum: Int, _ maximum: Int?, commandStartsAfter: Int? = nil) {
        self.usage = usage
        self.minimum = minimum
        self.maximum = maximum
        self.commandStartsAfter = commandStartsAfter
    }

    /// No words.
    package static let none = CommandOperands("", 0, 0)
    /// The name of one container.
    package static let container = CommandOperands("CONTAINER", 1, 1)
}

/// One verb of the command line: everything that parsing, help, completion and the manual need.
package struct CommandVerb: Sendable, Equatable {
    /// Where the verb is shown.
    package enum Group: String, Sendable, Equatable, CaseIterable {
        /// The verbs of the OCI runtime command line.
        case runtime = "OCI runtime"
        /// The verbs over images and named containers.
        case engine = "Containers from images"
        /// Everything else.
        case other = "Other"
    }

    /// The word on the command line.
    package let name: String
    /// Section in the help text.
    package let group: Group
    /// One sentence, without a full stop.
    package let summary: String
    /// Further paragraphs for `--help` and the manual.
    package let details: String
    /// The words it takes.
    package let operands: CommandOperands
    /// The options it takes.
    package let options: [CommandOption]
    /// Accepted, but not shown.
    package let isHidden: Bool

    /// A verb.
    package init(
        _ name: String, _ group: Group, _ summary: String, details: String = "", operands: CommandOperands,
        options: [CommandOption] = [], hidden: Bool = false
    ) {
        self.name = name
        self.group = group
        self.summary = summary
        self.details = details
        self.operands = operands
        self.options = options
        self.isHidden = hidden
    }
}
