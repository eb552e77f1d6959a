# Private authorities and the certificates that they sign.

# Makes FOLDER/NAME.key and FOLDER/NAME.crt, signed by itself.
make_authority() { # FOLDER NAME
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj "/CN=$FARM $2" \
    -keyout "$1/$2.key" -out "$1/$2.crt" 2>/dev/null
}

# Makes FOLDER/NAME.key and FOLDER/NAME.crt, signed by FOLDER/AUTHORITY.
make_certificate() { # FOLDER AUTHORITY NAME EXTENSION...
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$FARM $3" \
    -keyout "$1/$3.key" -out "$1/$3.csr" 2>/dev/null
  printf '%s\n' "${@:4}" >"$1/$3.ext"
  openssl x509 -req -in "$1/$3.csr" -CA "$1/$2.crt" -CAkey "$1/$2.key" -CAcreateserial \
    -days 3650 -extfile "$1/$3.ext" -out "$1/$3.crt" 2>/dev/null
  rm "$1/$3.csr" "$1/$3.ext"
}
