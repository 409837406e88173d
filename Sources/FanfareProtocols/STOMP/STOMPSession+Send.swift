import FanfareCore
import FanfareWire
import NIOCore

/// What a client publishes.
extension STOMPSession {
    mutating func send(_ frame: STOMPFrame) throws(STOMPError) -> SessionAction {
        let publication = try publication(frame)
        if let transaction = frame["transaction"] {
            try transactions.add(.send(publication), to: transaction, within: policy)
            return .all(receipt(frame["receipt"]))
        }
        return publish(publication, .send(receipt: frame["receipt"]))
    }

    /// Begins to publish.
    mutating func publish(_ publication: STOMPPublication, _ call: STOMPCall) -> SessionAction {
        let number = makeNumber()
        calls[number] = call
        return .publish(publication.channel, publication.payload, publication.tags, id: number)
    }

    /// Throws where the client may not publish in a channel.
    ///
    /// - Returns: the channel's rules.
    @discardableResult
    func checkSend(to channel: ChannelName) throws(STOMPError) -> ChannelRules {
        let rules = try rules(channel)
        guard may(.publish, channel, rules.publish) else {
            throw STOMPError("permission denied: SEND to \(channel)", .permissionDenied)
        }
        return rules
    }

    /// What a SEND publishes, if it may.
    private func publication(_ frame: STOMPFrame) throws(STOMPError) -> STOMPPublication {
        let channel = try destination(frame).channel
        let rules = try checkSend(to: channel)
        let payload = frame.payload
        guard !payload.isNestedTooDeep else { throw STOMPError(JSONDepth.problem) }
        let tags = try frame.tags(rules)
        let limit = min(rules.maxMessageBytes ?? .max, policy.maxMessageBytes)
        guard payload.bytes.readableBytes + tags.size <= limit else {
            throw STOMPError("body and headers are above the channel's limit of \(limit) bytes", .messageTooBig)
        }
        return STOMPPublication(channel: channel, payload: payload, tags: tags)
    }

    /// What became of a publish. Without a receipt, too, a failure is said.
    mutating func published(id: UInt32, _ result: Result<PublishReceipt, BrokerError>) -> SessionAction {
        guard let call = calls.removeValue(forKey: id), !hasFailed else { return .none }
        switch (call, result) {
        case (.send(let id), .success): return .all(receipt(id) + leaveWhenDone())
        case (.send(let id), .failure(let error)):
            let what = error.outcome == .notPublished ? "refused" : "not confirmed"
            return fail(STOMPError("SEND \(what): \(error)", .tryAgainLater), receipt: id)
        case (.commit(let number), .success):
            commits[number]?.left -= 1
            guard let commit = commits[number], commit.left == 0 else { return .none }
            commits[number] = nil
            return .all(receipt(commit.receipt) + leaveWhenDone())
        case (.commit(let number), .failure(let error)):
            return fail(
                STOMPError("COMMIT: not all of it is confirmed: \(error)", .tryAgainLater),
                receipt: commits[number]?.receipt)
        }
    }
}

/// What a client publishes.
struct STOMPPublication: Sendable {
    let channel: ChannelName
    let payload: Payload
    let tags: PublicationTags
}

/// For what a publication's outcome is awaited.
enum STOMPCall: Sendable {
    /// A SEND, with the receipt that it wants.
    case send(receipt: ExactText?)
    /// The commit of that number.
    case commit(UInt32)
}

extension STOMPFrame {
    /// Headers of SEND that are for the node, or between it and the client: libraries put tokens into every frame.
    private static let own: Set<ExactText> = ["receipt", "transaction", "login", "passcode", "token"]

    /// Whether a header of SEND goes no further than the node. What a MESSAGE has from the node nobody else says.
    private static func isOwn(_ name: ExactText) -> Bool {
        name != STOMPCodec.contentType
            && (own.contains(name) || STOMPCodec.reserved.contains(name)
                || name.string.asciiLowercased == "authorization")
    }

    /// The body: text where its type says so or nothing, and it is UTF-8; else binary.
    var payload: Payload {
        let isText = self[STOMPCodec.contentType].map(Self.isText) ?? true
        let isUTF8 = isText && body.withUnsafeReadableBytes { UTF8Validator.isValid($0) }
        return Payload(kind: isUTF8 ? .text : .binary, bytes: body)
    }

    /// `text/*`, and what is text by another name.
    private static func isText(_ type: ExactText) -> Bool {
        let essence = type.string.prefix { $0 != ";" }.asciiLowercased.filter { $0 != " " }
        let names = ["application/json", "application/xml", "application/javascript", "application/yaml"]
        return essence.hasPrefix("text/") || names.contains(essence) || essence.hasSuffix("+json")
            || essence.hasSuffix("+xml")
    }

    /// All other headers travel with the publication, where its channel takes them, and its type everywhere: of a repeated one the
    /// first.
    func tags(_ rules: ChannelRules) throws(STOMPError) -> PublicationTags {
        var (names, tags) = (Set<ExactText>(), [PublicationTags.Tag]())
        for header in headers where !Self.isOwn(header.name) && names.insert(header.name).inserted {
            guard header.name == STOMPCodec.contentType || rules.takesClientTags else { continue }
            tags.append(.init(name: header.name, value: header.value))
        }
        do {
            return try PublicationTags(tags)
        } catch {
            throw STOMPError("headers travel as tags: \(error)")
        }
    }
}
