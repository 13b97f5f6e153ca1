// SPDX-License-Identifier: Apache-2.0
// Files that callers bring (wire-apis A1 rows 10 to 12) and files that they fetch.
#pragma once

#include "api/context.h"

namespace api::uploads {

// POST /media/uploads: a ticket, the address to PUT the bytes to and that of the file then.
http::Response ticket(Context& context, const Call& call);

// PUT to a ticket's address, which carries the permission.
http::Reception receive_ticket(Context& context, http::Request& head);
http::Response put(Context& context, const Call& call);

// POST /media/upload/binary and /upload: multipart, the field `file`.
http::Response form(Context& context, const Call& call);
http::Response form_older(Context& context, const Call& call);

// GET of a result or an upload by its signed address.
http::Response result(Context& context, const Call& call);
http::Response upload(Context& context, const Call& call);

}  // namespace api::uploads
