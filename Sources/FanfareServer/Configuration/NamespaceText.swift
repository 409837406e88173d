import FanfareCore
import FanfareWire

/// The rules of channels as an operator writes them: `chat: history=100/10m recovery presence; prices: queue=newest`.
///
/// One namespace after the other, with semicolons or line breaks between them; `*` stands for channels without a
/// namespace. What is not said has its default.
enum NamespaceText {
    /// What is wrong, and where.
    struct Problem: Error, CustomStringConvertible {
        let description: String
    }

    static let words = [
        "history=SIZE/AGE", "recovery", "recovery=cache", "presence", "join-leave", "publish=", "subscribe=",
        "read-history=", "read-presence=", "max-message-bytes=", "queue=", "delta=fossil", "tags-filter",
        "client-tags", "client-tags=off", "publisher-info",
    ]

    static func read(_ text: String, presenceTTL: Duration = .seconds(60)) throws(Problem) -> ChannelRulebook {
        var plain = ChannelRules()
        var namespaces: [ExactText: ChannelRules] = [:]
        var seen: Set<ExactText> = []
        for line in text.split(whereSeparator: { $0 == ";" || $0.isNewline }) {
            let line = line.trimmed
            if line.isEmpty || line.hasPrefix("#") { continue }
            guard let colon = line.firstIndex(of: ":") else {
                throw Problem(description: "'\(line)' has no colon after the namespace's name")
            }
            let name = ExactText(line[..<colon].trimmed)
            guard seen.insert(name).inserted else { throw Problem(description: "namespace '\(name)' is there twice") }
            let rules = try rules(line[line.index(after: colon)...], of: name.string)
            if name == "*" {
                plain = rules
            } else {
                guard (try? ChannelName(name, limit: 64)) != nil else {
                    throw Problem(description: "'\(name)' is no name of a namespace")
                }
                namespaces[name] = rules
            }
        }
        guard namespaces.count <= maximumCount else {
            throw Problem(description: "more than \(maximumCount) namespaces")
        }
        return ChannelRulebook(plain: plain, namespaces: namespaces, presenceTTL: presenceTTL)
    }

    private static func rules(_ text: Substring, of name: String) throws(Problem) -> ChannelRules {
        var rules = ChannelRules()
        for word in text.split(whereSeparator: \.isWhitespace) {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count > 1 ? String(parts[1]) : nil
            guard try apply(String(parts[0]), value, to: &rules) else {
                throw Problem(
                    description:
                        "'\(word)' in namespace '\(name)' is no rule; there are \(words.joined(separator: ", "))")
            }
        }
        if rules.recovery != .off, rules.history == nil {
            throw Problem(description: "namespace '\(name)' has recovery without history; add history=100/10m")
        }
        if rules.subscribe == .subscribers {
            throw Problem(description: "namespace '\(name)': subscribe= is nobody or clients")
        }
        return rules
    }

    /// Whether that is a rule with a value it can have.
    private static func apply(
        _ word: String, _ value: String?, to rules: inout ChannelRules
    ) throws(Problem) -> Bool {
        switch (word, value) {
        case ("history", let value?): rules.history = try retention(value)
        case ("recovery", nil): rules.recovery = .stream
        case ("presence", nil): rules.presence = true
        case ("join-leave", nil): rules.joinLeave = true
        case ("tags-filter", nil): rules.tagsFilter = true
        case ("client-tags", nil): rules.clientTags = true
        case ("client-tags", "off"): rules.clientTags = false
        case ("publisher-info", nil): rules.publisherInfo = true
        case ("recovery", let value?): return set(&rules.recovery, value)
        case ("publish", let value?): return set(&rules.publish, value)
        case ("subscribe", let value?): return set(&rules.subscribe, value)
        case ("read-history", let value?): return set(&rules.readHistory, value)
        case ("read-presence", let value?): return set(&rules.readPresence, value)
        case ("queue", let value?): return set(&rules.queue, value)
        case ("delta", let value?): return set(&rules.delta, value)
        case ("max-message-bytes", let value?):
            guard let bytes = SettingText.bytes(value), bytes > 0 else { return false }
            rules.maxMessageBytes = bytes
        default: return false
        }
        return true
    }

    private static func set<Value: RawRepresentable<String>>(_ rule: inout Value, _ text: String) -> Bool {
        guard let value = Value(rawValue: text) else { return false }
        rule = value
        return true
    }

    private static func retention(_ text: String) throws(Problem) -> ChannelRules.Retention {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let size = Int(parts[0]), (1...maximumHistory).contains(size),
            let age = SettingText.duration(String(parts[1])), age >= .seconds(1), age <= .seconds(31 * 86_400)
        else {
            throw Problem(
                description:
                    "history=\(text) is not a number of publications (1–\(maximumHistory)) and an age (1s–744h), "
                    + "as in history=100/10m")
        }
        return ChannelRules.Retention(size: size, age: age)
    }
}

extension Substring {
    /// Without white space around it.
    fileprivate var trimmed: Substring {
        var text = drop { $0.isWhitespace }
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }
}
