import FanfareCore
import FanfareWire
import NIOCore

/// What a client publishes.
extension STOMPSession {
    mutating func send(_ frame: STOMPFrame) throws(STOMPError) -> SessionAction {
        guard frame["transaction"] == nil else { throw STOMPError("transactions are not supported", .notAvailable) }
        let channel = try destination(frame).channel
        let rules = try rules(channel)
        guard may(.publish, channel, rules.publish) else {
            throw STOMPError("permission denied: SEND to \(channel)", .permissionDenied)
        }
        if let limit = rules.maxMessageBytes, frame.body.readableBytes > limit {
            throw STOMPError("the body is above the channel's limit of \(limit) bytes", .messageTooBig)
        }
        let payload = frame.payload
        guard !payload.isNestedTooDeep else { throw STOMPError(JSONDepth.problem) }
        guard calls.count < STOMPBounds.calls else {
            throw STOMPError("too many frames wait for their outcome", .tryAgainLater)
        }
        let tags = try frame.tags
        let number = makeNumber()
        calls[number] = .some(frame["receipt"])
        return .publish(channel, payload, tags, id: number)
    }

    /// What became of a publish. Without a receipt, too, a failure is said.
    mutating func published(id: UInt32, _ result: Result<PublishReceipt, BrokerError>) -> SessionAction {
        guard let receipt = calls.removeValue(forKey: id), !hasFailed else { return .none }
        switch result {
        case .success:
            let answer = receipt.map { SessionAction.send(STOMPWriter.receipt($0, version)) }
            return .all([answer, leaveWhenDone()].compactMap(\.self))
        case .failure(let error):
            let what = error.outcome == .notPublished ? "refused" : "not confirmed"
            return fail(STOMPError("SEND \(what): \(error)", .tryAgainLater), receipt: receipt)
        }
    }
}

extension STOMPFrame {
    /// Headers of SEND that are for the node.
    private static let own: Set<ExactText> = ["destination", "content-length", "receipt", "transaction"]

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

    /// All other headers travel with the publication, its type among them: of a repeated one the first.
    var tags: PublicationTags {
        get throws(STOMPError) {
            var (names, tags) = (Set<ExactText>(), [PublicationTags.Tag]())
            for header in headers where !Self.own.contains(header.name) && names.insert(header.name).inserted {
                guard header.name == STOMPCodec.contentType || !STOMPCodec.reserved.contains(header.name) else {
                    throw STOMPError("SEND can't have a header '\(header.name)'")
                }
                tags.append(.init(name: header.name, value: header.value))
            }
            do {
                return try PublicationTags(tags)
            } catch {
                throw STOMPError("headers travel as tags: \(error)")
            }
        }
    }
}
